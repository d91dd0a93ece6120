//! A session from the first byte to the login: connecting, the greeting, TLS, EHLO, AUTH. It waits, and is therefore
//! done on a thread of its own.
//!
//! Nothing that matters is said before TLS holds, and nothing that was heard before it counts after.

use std::borrow::Borrow;

use super::{Session, Terms, Trouble, greet};
use crate::campaign::Secret;
use crate::deliver::access::{Access, Credentials, Security};
use crate::deliver::handshake;
use crate::deliver::line::Line;
use crate::deliver::login::{self, Refused, log_in};
use crate::deliver::offers::Offers;
use crate::deliver::tls::Tls;
use crate::deliver::trace::Tap;
use crate::deliver::transport::Tcp;
use crate::deliver::wire::{Overlaid, Wire};
use crate::message::Message;
use crate::outcome::Stage;

impl<J: Borrow<Message>> Session<J> {
    /// Connects, reads the greeting, says EHLO (HELO where that is refused), goes over to TLS and logs in, as `access`
    /// says. A token that is refused is asked for again, once.
    ///
    /// # Errors
    /// A [`Trouble`] of the session or the account.
    pub fn open(access: &Access, terms: Terms) -> Result<Self, Trouble> {
        let Some(credentials) = &access.credentials else {
            return Session::reach(access, terms, None).map_err(|refused| refused.trouble);
        };
        let secret = credentials.secret();
        let refused = match Session::reach(access, terms, Some((credentials, &secret))) {
            Ok(session) => return Ok(session),
            Err(refused) => refused,
        };
        if !refused.token {
            return Err(refused.trouble);
        }
        let fresh = credentials.renew(&secret);
        match fresh.map_err(|error| Trouble::for_good(Stage::Auth, error.to_string()))? {
            Some(fresh) => Session::reach(access, terms, Some((credentials, &fresh)))
                .map_err(|refused| refused.trouble),
            // The source knows no other.
            None => Err(refused.trouble),
        }
    }

    fn reach(
        access: &Access,
        terms: Terms,
        login: Option<(&Credentials, &Secret)>,
    ) -> Result<Self, Refused> {
        let tap = access.trace.as_ref().map(|trace| trace.tap());
        let session = Session::speak(access, terms, login, tap.clone());
        if let (Err(refused), Some(tap)) = (&session, tap) {
            tap.event(&format!("not opened: {}", refused.trouble.failure));
        }
        session
    }

    fn speak(
        access: &Access,
        terms: Terms,
        login: Option<(&Credentials, &Secret)>,
        tap: Option<Tap>,
    ) -> Result<Self, Refused> {
        let tcp = Tcp::connect(&access.host, access.port, terms.timeout)
            .map_err(|error| Trouble::io(Stage::Connect, &error))?;
        if let Some(tap) = &tap {
            tap.event(&format!("connected to {}:{}", access.host, access.port));
        }
        let name = greet::name(tcp.local_address().ok());
        let round_trip = tcp.round_trip();
        let private = access.security.is_some() || tcp.is_local();
        let line = match &access.security {
            Some(security) if security.implicit => {
                shake(Line::Clear(tcp), access, security, &terms, tap.as_ref())?
            }
            Some(_) | None => Line::Clear(tcp),
        };
        let mut wire = Wire::new(line).traced(tap);
        greet::greeting(&mut wire, &terms)?;
        let mut offers = greet::hello(&mut wire, &name, &terms)?;
        if let Some(security) = access.security.as_ref().filter(|it| !it.implicit) {
            wire = start_tls(wire, &offers, access, security, &terms)?;
            offers = greet::hello(&mut wire, &name, &terms)?;
        }
        if let Some((credentials, secret)) = login {
            if !private {
                let text = format!(
                    "{} is another machine, and a login is never sent in clear to one; take tls = \"none\" out of [[server]]",
                    access.host
                );
                return Err(Trouble::for_good(Stage::Auth, text).into());
            }
            let mechanism = log_in(
                &mut wire,
                &offers,
                &credentials.login,
                secret,
                terms.timeout,
            )?;
            if let Some(tap) = wire.tap() {
                let by = login::name(mechanism);
                tap.event(&format!(
                    "logged in as {} by {by}",
                    credentials.login.username
                ));
            }
        }
        Ok(Session {
            one_of_several: access.one_of_several,
            round_trip,
            ..Session::begin(wire, offers, terms)
        })
    }
}

/// STARTTLS (RFC 3207), and the handshake behind it.
fn start_tls(
    mut wire: Wire<Line>,
    offers: &Offers,
    access: &Access,
    security: &Security,
    terms: &Terms,
) -> Result<Wire<Line>, Trouble> {
    if !offers.starttls {
        return Err(Trouble::for_good(
            Stage::StartTls,
            "the server does not offer STARTTLS (somebody on the way may have taken it out), and nothing is sent in clear; use smtps:// if it has a port for TLS from the first byte (usually 465), or tls = \"none\" for a server on this machine".to_owned(),
        ));
    }
    let reply = greet::ask(&mut wire, Stage::StartTls, "STARTTLS\r\n", terms)?;
    greet::expect(Stage::StartTls, reply)?;
    let tap = wire.tap().cloned();
    wire.overlay(|line| shake(line, access, security, terms, tap.as_ref()))
        .map_err(|error| match error {
            Overlaid::Early => Trouble::for_good(
                Stage::StartTls,
                "the server went on in clear after STARTTLS: somebody on the way may have put in what it is to be taken to say later; nothing was sent to it".to_owned(),
            ),
            Overlaid::Io(error) => Trouble::io(Stage::StartTls, &error),
            Overlaid::Not(trouble) => trouble,
        })
}

fn shake(
    line: Line,
    access: &Access,
    security: &Security,
    terms: &Terms,
    tap: Option<&Tap>,
) -> Result<Line, Trouble> {
    let Line::Clear(tcp) = line else {
        return Ok(line);
    };
    let (config, name) = (security.config.clone(), security.name.clone());
    let tls = Tls::over(tcp, config, name, terms.timeout)
        .map_err(|error| handshake::trouble(&error, access, security))?;
    if let Some(tap) = tap {
        tap.event(&tls.agreed());
    }
    Ok(Line::Tls(Box::new(tls)))
}
