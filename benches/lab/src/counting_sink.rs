//! A server that counts messages and drops them: the sandbox on an address of one's own.
//! usage: counting_sink HOST:PORT [no-chunking]
//!
//! Whenever all connections are closed, it prints how many messages there were until then. Runs until it is ended.

use std::error::Error;
use std::thread;
use std::time::Duration;

use mailrun::sandbox::{Announce, Options, Sandbox, Store};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (listen, chunking) = match arguments.as_slice() {
        [listen] => (listen.parse()?, true),
        [listen, word] if word == "no-chunking" => (listen.parse()?, false),
        _ => return Err("usage: counting_sink HOST:PORT [no-chunking]".into()),
    };
    let announce = Announce {
        chunking,
        ..Announce::default()
    };
    let sandbox = Sandbox::start(Options {
        listen,
        store: Store::Count,
        announce,
        ..Options::default()
    })?;
    println!("listening on {}", sandbox.address());
    let mut said = 0;
    loop {
        thread::sleep(Duration::from_millis(50));
        let stats = sandbox.stats();
        if stats.open == 0 && stats.connections > said {
            said = stats.connections;
            let most = stats.most_open;
            println!(
                "messages {} connections {said} most_open {most}",
                stats.messages
            );
        }
    }
}
