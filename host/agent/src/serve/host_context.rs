//! The host's side of one call: the component's state, and the owner's values and secrets for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use coworker_policy::Digest;
use coworker_policy::gate::Permit;
use coworker_sandbox::{
    Bucket, HostContext, Secrets, StateRead, StateReadError, StateSize, StateStore, StreamSender,
};
use coworker_store::StoreError;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::model::CallModel;
use crate::serve::delegated_calls::DelegatedCalls;
use crate::state::{StateActor, StateError, Transaction};

/// The context of one permitted call. Only the secrets that its permit names are read.
pub(super) async fn of(
    state: &StateActor,
    permit: &Permit,
    config: Arc<BTreeMap<String, String>>,
    stop: CancellationToken,
    stream: StreamSender,
    delegated_calls: DelegatedCalls,
    model: CallModel,
) -> Result<HostContext, StateError> {
    let component = permit.component();
    let named: Vec<String> = permit.grants().secrets().iter().map(|rule| rule.name().to_owned()).collect();
    let secrets = if named.is_empty() { BTreeMap::new() } else { secrets(state, component, named).await? };
    Ok(HostContext {
        stream,
        secrets: Arc::new(Named(secrets)),
        state: Arc::new(ComponentState { state: state.clone(), component }),
        config,
        model: Arc::new(model),
        peers: Arc::new(delegated_calls),
        ..HostContext::bare(stop)
    })
}

struct Named(BTreeMap<String, Zeroizing<String>>);

impl Secrets for Named {
    fn value(&self, name: &str) -> Option<Zeroizing<String>> {
        self.0.get(name).cloned()
    }
}

pub(super) async fn secrets(
    state: &StateActor,
    component: Digest,
    named: Vec<String>,
) -> Result<BTreeMap<String, Zeroizing<String>>, StateError> {
    let read = move |tx: &mut Transaction<'_>| {
        let value = |name: String| {
            Ok(tx.store.skill_secret(component, &name)?.map(|value| (name, Zeroizing::new(value))))
        };
        named.into_iter().filter_map(|name| value(name).transpose()).collect()
    };
    state.run(read).await
}

/// One component's state. The component is fixed here, so that a guest can name only buckets.
struct ComponentState {
    state: StateActor,
    component: Digest,
}

impl ComponentState {
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Transaction<'_>, Digest) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StateReadError> {
        let component = self.component;
        let read = self.state.run(move |tx| Ok(read(tx, component)?));
        read.await.map_err(|error| StateReadError(error.into()))
    }
}

impl StateStore for ComponentState {
    fn value<'a>(&'a self, bucket: Bucket, key: &'a str) -> StateRead<'a, Option<Vec<u8>>> {
        let (bucket, key) = (bucket.to_string(), key.to_owned());
        Box::pin(self.read(move |tx, component| tx.store.state_get(component, &bucket, &key)))
    }

    fn keys<'a>(
        &'a self,
        bucket: Bucket,
        after: Option<&'a str>,
        limit: usize,
    ) -> StateRead<'a, Vec<String>> {
        let (bucket, after) = (bucket.to_string(), after.map(str::to_owned));
        Box::pin(
            self.read(move |tx, component| tx.store.state_keys(component, &bucket, after.as_deref(), limit)),
        )
    }

    fn size(&self, bucket: Bucket) -> StateRead<'_, StateSize> {
        let bucket = bucket.to_string();
        Box::pin(self.read(move |tx, component| {
            let size = tx.store.state_size(component, &bucket)?;
            Ok(StateSize { keys: size.keys, bytes: size.bytes })
        }))
    }
}
