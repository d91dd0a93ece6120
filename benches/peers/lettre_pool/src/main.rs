//! lettre's pool as its documentation shows it, Handlebars, and rayon over the rows.
//! usage: lettre_pool CAMPAIGN HOST:PORT CONNECTIONS COUNT
//!
//! The files in CAMPAIGN/inline, where there are any, are PNG images, named by their Content-IDs.

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use handlebars::Handlebars;
use lettre::message::{Attachment, MultiPart, SinglePart};
use lettre::transport::smtp::PoolConfig;
use lettre::{Message, SmtpTransport, Transport};
use rayon::prelude::*;

type Row = HashMap<String, String>;
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, server, connections, count] = arguments.as_slice() else {
        return Err("usage: lettre_pool CAMPAIGN HOST:PORT CONNECTIONS COUNT".into());
    };
    let (host, port) = server.rsplit_once(':').ok_or("HOST:PORT")?;
    let connections: u32 = connections.parse()?;

    let mut text = Handlebars::new();
    text.set_strict_mode(true);
    text.register_escape_fn(handlebars::no_escape);
    text.register_template_file("text", format!("{folder}/message.txt.hbs"))?;
    let mut html = Handlebars::new();
    html.set_strict_mode(true);
    html.register_template_file("html", format!("{folder}/message.html.hbs"))?;

    let images = images(&Path::new(folder).join("inline"))?;
    let mut list = csv::Reader::from_path(format!("{folder}/list.csv"))?;
    let rows = list.deserialize().take(count.parse()?);
    let rows: Vec<Row> = rows.collect::<Result<_, _>>()?;
    let pool = SmtpTransport::builder_dangerous(host)
        .port(port.parse()?)
        .pool_config(PoolConfig::new().max_size(connections))
        .build();
    let threads = rayon::ThreadPoolBuilder::new().num_threads(connections as usize);
    threads.build()?.install(|| {
        rows.par_iter()
            .try_for_each(|row| send(row, &text, &html, &images, &pool))
    })
}

/// Content-IDs and bytes.
fn images(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut images = Vec::new();
    if folder.exists() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            images.push((name.ok_or("a name in UTF-8")?.into(), fs::read(&path)?));
        }
    }
    Ok(images)
}

fn send(
    row: &Row,
    text: &Handlebars<'_>,
    html: &Handlebars<'_>,
    images: &[(String, Vec<u8>)],
    pool: &SmtpTransport,
) -> Result<(), Failure> {
    let (text, html) = (text.render("text", row)?, html.render("html", row)?);
    let body = if images.is_empty() {
        MultiPart::alternative_plain_html(text, html)
    } else {
        let mut related = MultiPart::related().singlepart(SinglePart::html(html));
        for (cid, image) in images {
            let part =
                Attachment::new_inline(cid.clone()).body(image.clone(), "image/png".parse()?);
            related = related.singlepart(part);
        }
        MultiPart::alternative()
            .singlepart(SinglePart::plain(text))
            .multipart(related)
    };
    let message = Message::builder()
        .from("Example News <news@sender.example>".parse()?)
        .to(row["email"].parse()?)
        .subject(format!("Your statement, {}", row["first_name"]))
        .message_id(None)
        .multipart(body)?;
    pool.send(&message)?;
    Ok(())
}
