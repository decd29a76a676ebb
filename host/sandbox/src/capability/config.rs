//! `wasi:config/store`: the values that the owner set for this component, and the placeholders of its secrets
//! under the secrets' names.

use std::collections::BTreeMap;

use coworker_policy::Capability;
use wasmtime::component::{HasData, Linker};

use super::secret::SecretState;
use crate::access::Access;
use crate::bindings::config::wasi::config::store::{Error, Host, add_to_linker};

/// The interface during one host call.
pub(crate) struct ConfigHost<'a> {
    pub(crate) access: &'a Access,
    pub(crate) config: &'a BTreeMap<String, String>,
    pub(crate) secrets: &'a SecretState,
}

struct HasConfig;

impl HasData for HasConfig {
    type Data<'a> = ConfigHost<'a>;
}

pub(crate) fn link<T: Send + 'static>(
    linker: &mut Linker<T>,
    host: fn(&mut T) -> ConfigHost<'_>,
) -> wasmtime::Result<()> {
    add_to_linker::<T, HasConfig>(linker, host)
}

impl ConfigHost<'_> {
    async fn enter(&self) -> Result<(), Error> {
        if self.access.enter(Capability::Config).await {
            return Ok(());
        }
        self.access.deny(Capability::Config, "");
        Err(Error::Upstream("access denied".to_owned()))
    }
}

impl Host for ConfigHost<'_> {
    async fn get(&mut self, key: String) -> Result<Option<String>, Error> {
        self.enter().await?;
        // A secret's placeholder takes precedence over a value of the same name.
        let placeholder = self.secrets.placeholder(&key);
        Ok(placeholder.map(str::to_owned).or_else(|| self.config.get(&key).cloned()))
    }

    async fn get_all(&mut self) -> Result<Vec<(String, String)>, Error> {
        self.enter().await?;
        let mut all = self.config.clone();
        for rule in self.access.grants.secrets() {
            if let Some(placeholder) = self.secrets.placeholder(rule.name()) {
                all.insert(rule.name().to_owned(), placeholder.to_owned());
            }
        }
        Ok(all.into_iter().collect())
    }
}
