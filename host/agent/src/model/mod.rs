//! The owner's language model: its setup, its budget, and the records of its use.

mod budget;
mod call_model;
mod chosen;
mod key_from;
mod language_model;
mod model_use;
mod planning;
mod record;
mod setup;

pub(crate) use call_model::CallModel;
pub use chosen::Model;
pub(crate) use key_from::KeyFrom;
pub(crate) use language_model::LanguageModel;
pub(crate) use model_use::used_of_row;
pub(crate) use setup::Setup;
