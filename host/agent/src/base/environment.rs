/// The environment of the process. Only the command line reads it, and passes it in.
#[derive(Clone, Copy, Debug)]
pub struct Environment(fn(&str) -> Option<String>);

impl Environment {
    pub fn read_by(read: fn(&str) -> Option<String>) -> Self {
        Self(read)
    }

    /// Returns `None` also for a blank value.
    pub(crate) fn value(self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.trim().is_empty())
    }
}

/// The empty environment.
impl Default for Environment {
    fn default() -> Self {
        Self(|_| None)
    }
}
