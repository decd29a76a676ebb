//! The MLS settings of groups. Apart from past epochs and capabilities they are those of sessions.

use openmls::group::{MlsGroupCreateConfig, MlsGroupCreateConfigBuilder, MlsGroupJoinConfig};
use openmls::prelude::{Capabilities, ExtensionType};

use super::error::GroupError;
use super::roster::{self, Roster};
use crate::parameters::{GROUP_PAST_EPOCHS, SUITE, create_config};

/// The capabilities that every member's leaf declares: our suite and the roster extension.
pub(super) fn capabilities() -> Capabilities {
    Capabilities::builder()
        .ciphersuites(vec![SUITE])
        .extensions(vec![ExtensionType::Unknown(roster::EXTENSION)])
        .build()
}

pub(super) fn creation(roster: &Roster) -> Result<MlsGroupCreateConfig, GroupError> {
    Ok(builder().with_group_context_extensions(roster.extensions()?).build())
}

pub(super) fn joining() -> MlsGroupJoinConfig {
    builder().build().join_config().clone()
}

fn builder() -> MlsGroupCreateConfigBuilder {
    let session = create_config();
    MlsGroupCreateConfig::builder()
        .ciphersuite(SUITE)
        .wire_format_policy(session.wire_format_policy())
        .use_ratchet_tree_extension(true)
        .max_past_epochs(GROUP_PAST_EPOCHS)
        .padding_size(session.padding_size())
        .sender_ratchet_configuration(*session.sender_ratchet_configuration())
        .capabilities(capabilities())
}
