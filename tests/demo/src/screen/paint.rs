//! Colours.

/// Whether there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(pub bool);

impl Paint {
    fn code(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What matters.
    pub fn bold(self, text: &str) -> String {
        self.code("1", text)
    }

    /// What is there for those who look for it.
    pub fn dim(self, text: &str) -> String {
        self.code("2", text)
    }

    /// The best, or what went well.
    pub fn good(self, text: &str) -> String {
        self.code("1;32", text)
    }

    /// What fails.
    pub fn bad(self, text: &str) -> String {
        self.code("31", text)
    }

    /// What has just changed.
    pub fn news(self, text: &str) -> String {
        self.code("1;33", text)
    }
}
