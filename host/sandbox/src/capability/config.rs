//! `wasi:config/store`: the values that the owner set for this component, and its secrets' placeholders
//! under their names.

use std::collections::BTreeMap;

use coworker_policy::Capability;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::config::wasi::config::store::{Error, Host, add_to_linker};
use crate::guest::Guest;

pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)
}

impl Host for Guest {
    async fn get(&mut self, key: String) -> Result<Option<String>, Error> {
        self.enter_config().await?;
        // A value that the owner set cannot stand where a secret's placeholder belongs.
        let placeholder = self.secrets.placeholder(&key);
        Ok(placeholder.map(str::to_owned).or_else(|| self.config.get(&key).cloned()))
    }

    async fn get_all(&mut self) -> Result<Vec<(String, String)>, Error> {
        self.enter_config().await?;
        let mut all = BTreeMap::clone(&self.config);
        for rule in self.grants.secrets() {
            if let Some(placeholder) = self.secrets.placeholder(rule.name()) {
                all.insert(rule.name().to_owned(), placeholder.to_owned());
            }
        }
        Ok(all.into_iter().collect())
    }
}

impl Guest {
    async fn enter_config(&mut self) -> Result<(), Error> {
        if self.enter(Capability::Config).await {
            return Ok(());
        }
        self.deny(Capability::Config, "");
        Err(Error::Upstream("access denied".to_owned()))
    }
}
