//! The pipeline: the only place that knows all the rooms.
//!
//! `plan` checks everything and learns who is due, `announce` says so and asks, `feed` turns due recipients into messages (`refused`: those of which none can be made), `pass` lets couriers
//! take them to the server, `send` repeats passes until nobody is due, `trial` sends the first messages to a tester
//! alone, `dry` writes files in place of all that,
//! `check` composes everything and sends nothing, `connect` asks the servers for it and `names` the name servers,
//! `resolve` settles what was in doubt.
//! Must not parse, classify or format.

pub mod announce;
pub mod check;
mod connect;
pub mod dry;
mod feed;
mod names;
mod pass;
pub mod plan;
mod refused;
pub mod resolve;
pub mod send;
pub mod trial;

use std::io;
use std::path::PathBuf;

use crate::campaign::{CampaignError, EnvironmentError, RunNameError, UrlError};
use crate::deliver::access::AccessError;
use crate::enclose::EncloseError;
use crate::init::InitError;
use crate::ledger::LedgerError;
use crate::message::BuilderError;
use crate::recipients::ListError;
use crate::render::TemplateError;

/// Why a command cannot begin: exit status 1.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings.
    #[error(transparent)]
    Campaign(#[from] CampaignError),
    /// The run that was typed.
    #[error("--run: {0}")]
    Run(#[from] RunNameError),
    /// The server that was typed.
    #[error("--server: {0}")]
    Url(#[from] UrlError),
    /// The server that the environment names.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The list.
    #[error(transparent)]
    List(#[from] ListError),
    /// A template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A file that is to go along.
    #[error(transparent)]
    Enclose(#[from] EncloseError),
    /// A setting that makes no message.
    #[error(transparent)]
    Builder(#[from] BuilderError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A campaign to begin with.
    #[error(transparent)]
    Init(#[from] InitError),
    /// How a server is reached.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A file or folder.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// Anything else that the user has to decide or mend.
    #[error("{0}")]
    Refused(String),
}

#[cfg(test)]
mod tests;
