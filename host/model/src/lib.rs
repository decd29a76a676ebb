//! Asks a language model that its owner chose, over the chat interface that `OpenAI` made common.
//!
//! What comes back is a stranger's: every length is checked before it is kept, every wait has an end, and no
//! word of the provider is in an error's text. Its own words are an error's cause, cut and cleaned, for the
//! owner's log alone. The key is in no `Debug`, no `Display` and no error.

mod address;
mod answer;
mod chat;
mod endpoint;
mod error;
mod key;
mod price;
mod retry;
mod sse;
mod wire;

pub use address::{BadUrl, BaseUrl};
pub use chat::{Ask, Completion, Finish, MAX_MESSAGES, MAX_TEXT, Message, Options, Role, Usage};
pub use endpoint::{Endpoint, Settings, Timeouts};
pub use error::{ModelError, ModelFault};
pub use key::{BadKey, Key};
pub use price::{BadPrice, Price, Prices};
