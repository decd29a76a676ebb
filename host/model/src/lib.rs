//! Client of the owner's language model, over the OpenAI-compatible chat interface.
//!
//! Answers are untrusted: every length is checked before anything is kept, every wait has a timeout, and an
//! error's text never quotes the provider. The provider's own message becomes the error's source, shortened
//! and cleaned, for the owner's log only. The key appears in no `Debug`, no `Display` and no error.

mod address;
mod answer;
mod chat;
mod endpoint;
mod error;
mod key;
mod price;
mod retry;
mod sse;
mod timeouts;
mod wire;

pub use address::{BadUrl, BaseUrl};
pub use chat::{ChatRequest, Completion, Finish, MAX_MESSAGES, MAX_TEXT, Message, Options, Role, Usage};
pub use endpoint::{Endpoint, Settings};
pub use error::{ModelError, ModelFault};
pub use key::{BadKey, Key};
pub use price::{BadPrice, Price, Prices};
pub use timeouts::Timeouts;
