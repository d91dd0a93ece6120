//! A model of an SMTP server: takes bytes, answers, and keeps the truth of what it took.

use std::collections::BTreeMap;

/// Where in a message's transaction something is out of the ordinary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    Mail,
    /// The main recipient.
    Rcpt,
    /// The others, from 0.
    Also(usize),
    Data,
    /// The end of the content.
    End,
}

/// What is out of the ordinary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Answered so; from 400 on it is refused, and after 421 the connection is closed.
    Say(&'static str),
    /// Refused so, and nothing is answered from then on.
    SayAndHang(&'static str),
    /// Done, and answered with bytes that are no reply; nothing is answered from then on.
    Garbage,
    /// Done, and answered with these bytes.
    Utter(Vec<u8>),
    /// Done and answered as usual, in a reply that begins with these lines.
    AsUsual(&'static str),
    /// Done and answered, and this line beyond it.
    AndMore(&'static str),
    /// Done, and not answered.
    Silence,
    /// Done, and nothing is answered from then on.
    Hang,
    /// Done, and the connection is closed without an answer.
    Close,
}

/// What the server is like.
#[derive(Debug, Clone, Default)]
pub struct Nature {
    pub keywords: &'static [&'static str],
    /// DATA is answered with 354 although nobody is to get the message.
    pub content_for_nobody: bool,
    /// A transaction of which a chunk was refused is open until RSET, as RFC 3030 has it.
    pub refused_stays: bool,
    /// A transaction whose recipient was refused goes on under its sender, whatever is said to MAIL: Exim's way.
    pub refused_goes_on: bool,
    /// The answer to RSET, when it is refused.
    pub reset: Option<&'static str>,
    pub acts: BTreeMap<(usize, At), Act>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Commands,
    Data,
    Chunk(usize),
}

#[derive(Debug, Default)]
struct Transaction {
    sender: usize,
    recipient: Option<usize>,
    /// Others, by message and place.
    others: Vec<(usize, usize)>,
    spoilt: bool,
}

/// The server. Messages are told apart by number: `f3@x.example` sends message 3 to `r3@x.example`, and to
/// `s3@x.example` and `t3@x.example`.
#[derive(Debug)]
pub struct Model {
    nature: Nature,
    input: Vec<u8>,
    mode: Mode,
    transaction: Option<Transaction>,
    /// The message that MAIL was last said for.
    message: usize,
    /// All that it said.
    pub spoken: Vec<u8>,
    /// It hears nothing any more, and stays.
    deaf: bool,
    /// It is gone once what it said is read.
    pub closed: bool,
    /// The commands, without their arguments.
    pub commands: Vec<String>,
    /// What stood behind MAIL.
    pub mails: Vec<String>,
    /// The content of each message that it is responsible for.
    pub taken: BTreeMap<usize, Vec<u8>>,
    /// What the others got: message and place, in the order of taking.
    pub copies: Vec<(usize, usize)>,
    /// How often others got what is another message, or what its main recipient did not get; the place of emptiness too.
    pub leaks: usize,
    /// How often it took a message once more.
    pub doubled: usize,
    /// How often it took a message under the sender of another.
    pub strangers: usize,
    /// Contents that it got for nobody.
    pub void: Vec<Vec<u8>>,
    /// Where in `spoken` the answers to the end of each message's content end.
    pub answered: BTreeMap<usize, Vec<usize>>,
}

impl Model {
    pub fn new(nature: Nature) -> Self {
        Model {
            nature,
            input: Vec::new(),
            mode: Mode::Commands,
            transaction: None,
            message: usize::MAX,
            spoken: b"220 model\r\n".to_vec(),
            deaf: false,
            closed: false,
            commands: Vec::new(),
            mails: Vec::new(),
            taken: BTreeMap::new(),
            copies: Vec::new(),
            leaks: 0,
            doubled: 0,
            strangers: 0,
            void: Vec::new(),
            answered: BTreeMap::new(),
        }
    }

    pub fn hear(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        while !self.closed && !self.deaf && self.step() {}
    }

    fn step(&mut self) -> bool {
        match self.mode {
            Mode::Commands => match memchr::memmem::find(&self.input, b"\r\n") {
                Some(end) => {
                    let line: Vec<u8> = self.input.drain(..end + 2).take(end).collect();
                    self.command(&line);
                    true
                }
                None => false,
            },
            Mode::Data => {
                let empty = self.input.starts_with(b".\r\n").then_some(0);
                let end = memchr::memmem::find(&self.input, b"\r\n.\r\n").map(|at| at + 2);
                let Some(end) = empty.or(end) else {
                    return false;
                };
                let stuffed: Vec<u8> = self.input.drain(..end + 3).take(end).collect();
                self.mode = Mode::Commands;
                self.content(unstuffed(&stuffed));
                true
            }
            Mode::Chunk(size) if self.input.len() < size => false,
            Mode::Chunk(size) => {
                let content = self.input.drain(..size).collect();
                self.mode = Mode::Commands;
                self.content(content);
                true
            }
        }
    }

    fn command(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
        self.commands.push(verb.to_owned());
        match verb {
            "EHLO" => {
                let keywords = self.nature.keywords;
                for keyword in std::iter::once(&"model").chain(&keywords[..keywords.len() - 1]) {
                    self.say(&format!("250-{keyword}"));
                }
                self.say(&format!("250 {}", keywords[keywords.len() - 1]));
            }
            "MAIL" => {
                self.mails.push(argument.to_owned());
                self.message = number(argument);
                let order = if self.transaction.is_some() {
                    Some("503 5.5.1 nested MAIL")
                } else {
                    None
                };
                if self.answer(At::Mail, order, "250 2.1.0 sender ok") {
                    self.transaction = Some(Transaction {
                        sender: self.message,
                        ..Transaction::default()
                    });
                }
            }
            "RCPT" => {
                let order = match &self.transaction {
                    None => Some("503 5.5.1 MAIL first"),
                    Some(transaction) if transaction.spoilt => Some("503 5.5.1 RSET first"),
                    Some(_) => None,
                };
                let another = another(argument);
                let at = another.map_or(At::Rcpt, At::Also);
                if self.answer(at, order, "250 2.1.5 recipient ok")
                    && let Some(transaction) = &mut self.transaction
                {
                    match another {
                        None => transaction.recipient = Some(number(argument)),
                        Some(place) => transaction.others.push((number(argument), place)),
                    }
                }
            }
            "DATA" => {
                let nobody = self.recipient().is_none() && self.others().is_empty();
                let nobody = nobody && !self.nature.content_for_nobody;
                let order = nobody.then_some("503 5.5.1 RCPT first");
                if self.answer(At::Data, order, "354 go on") {
                    self.mode = Mode::Data;
                }
            }
            "BDAT" => {
                self.mode = Mode::Chunk(argument.split(' ').next().unwrap().parse().unwrap());
            }
            "RSET" => {
                if self.nature.reset.is_none() {
                    self.transaction = None;
                }
                self.say(self.nature.reset.unwrap_or("250 2.0.0 reset"));
            }
            "QUIT" => self.say("221 2.0.0 bye"),
            _ => self.say("500 5.5.2 what?"),
        }
    }

    fn recipient(&self) -> Option<usize> {
        self.transaction.as_ref()?.recipient
    }

    fn others(&self) -> Vec<(usize, usize)> {
        let others = self.transaction.as_ref().map(|it| it.others.clone());
        others.unwrap_or_default()
    }

    fn content(&mut self, content: Vec<u8>) {
        let order = match &self.transaction {
            None => Some("503 5.5.1 MAIL first"),
            Some(transaction) if transaction.spoilt => Some("503 5.5.1 RSET first"),
            Some(transaction)
                if transaction.recipient.is_none() && transaction.others.is_empty() =>
            {
                Some("503 5.5.1 nobody to get it")
            }
            Some(_) => None,
        };
        let (recipient, others) = (self.recipient(), self.others());
        let taken = self.answer(At::End, order, "250 2.0.0 taken");
        if taken {
            let stray = |&&(message, _): &&(usize, usize)| Some(message) != recipient;
            self.leaks += others.iter().filter(stray).count();
            self.copies.extend(others);
        }
        match recipient {
            Some(recipient) if taken => {
                self.doubled += usize::from(self.taken.insert(recipient, content).is_some());
                let sender = self.transaction.as_ref().map(|it| it.sender);
                self.strangers += usize::from(sender != Some(recipient));
            }
            Some(_) => {}
            None => self.void.push(content),
        }
        let chunked = self
            .commands
            .last()
            .is_some_and(|command| command == "BDAT");
        match &mut self.transaction {
            Some(transaction) if chunked && !taken && self.nature.refused_stays => {
                transaction.spoilt = true;
            }
            Some(_) if chunked && recipient.is_none() && self.nature.refused_goes_on => {}
            transaction => *transaction = None,
        }
    }

    /// Answers a command: out of order, out of the ordinary, or as usual. Whether it is to be done.
    fn answer(&mut self, at: At, order: Option<&str>, usual: &str) -> bool {
        let place = (self.message, at);
        let mut done = order.is_none();
        let usual = order.unwrap_or(usual);
        let act = match self.nature.acts.get(&place) {
            // What is out of order is not judged.
            Some(Act::Say(text)) if !done && !text.starts_with("421") => None,
            _ => self.nature.acts.remove(&place),
        };
        match act {
            None => self.say(usual),
            Some(Act::Say(text)) => {
                self.say(text);
                done &= text < "4";
                self.closed |= text.starts_with("421");
            }
            Some(Act::SayAndHang(text)) => {
                self.say(text);
                self.deaf = true;
                return false;
            }
            Some(Act::Garbage) => {
                self.spoken.extend_from_slice(b"\xff no reply\r\n");
                self.deaf = true;
                return done;
            }
            Some(Act::Utter(bytes)) => {
                self.spoken.extend(bytes);
                return done;
            }
            Some(Act::AsUsual(lines)) => {
                if usual.starts_with("250") {
                    self.spoken.extend_from_slice(lines.as_bytes());
                }
                self.say(usual);
            }
            Some(Act::AndMore(text)) => {
                self.say(usual);
                self.say(text);
            }
            Some(Act::Silence) => return done,
            Some(Act::Hang) => {
                self.deaf = true;
                return done;
            }
            Some(Act::Close) => {
                self.closed = true;
                return done;
            }
        }
        if at == At::End {
            let answers = self.answered.entry(self.message).or_default();
            answers.push(self.spoken.len());
        }
        done
    }

    fn say(&mut self, line: &str) {
        self.spoken.extend_from_slice(line.as_bytes());
        self.spoken.extend_from_slice(b"\r\n");
    }
}

/// The content without the dots that DATA doubles.
fn unstuffed(stuffed: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    for line in stuffed.split_inclusive(|&byte| byte == b'\n') {
        content.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    content
}

/// The place of a recipient among the others.
fn another(path: &str) -> Option<usize> {
    let letter = path.split('<').nth(1).unwrap().as_bytes()[0];
    usize::from(letter).checked_sub(usize::from(b's'))
}

fn number(path: &str) -> usize {
    let digits = path.split(['<', '@']).nth(1).unwrap();
    digits[1..].parse().unwrap()
}
