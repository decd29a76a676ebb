/// A package of the workspace whose component is committed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece {
    /// A skill of `example-skills/`.
    Example(&'static str),
    /// A guest of `tests/guests/`.
    Guest(&'static str),
    /// What runs a SKILL.md; the program carries it.
    Runner,
}

impl Piece {
    pub(super) const ALL: [Self; 7] = [
        Self::Example("about"),
        Self::Example("summarize"),
        Self::Example("redact"),
        Self::Guest("fetch"),
        Self::Guest("think"),
        Self::Guest("pass"),
        Self::Runner,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Example(name) | Self::Guest(name) => name,
            Self::Runner => "prompt-runner",
        }
    }

    pub(super) fn package(self) -> String {
        match self {
            Self::Example(name) => format!("coworker-example-{name}"),
            Self::Guest(name) => format!("coworker-guest-{name}"),
            Self::Runner => "coworker-prompt-runner".to_owned(),
        }
    }

    /// Where its sources lie, from the project's root.
    pub(super) fn sources(self) -> String {
        format!("{}/{}", self.shelf(), self.name())
    }

    /// Where its component lies, from the project's root.
    pub(super) fn built(self) -> String {
        format!("{}/built/{}.wasm", self.shelf(), self.name())
    }

    /// Whether it may import an interface that gives power: no example needs anything of its owner.
    pub(super) fn may_import(self, interface: &str) -> bool {
        const POWERS: [&str; 3] = ["wasi:", "coworker:skill/llm@", "coworker:skill/peers@"];
        const HARMLESS: [&str; 2] = ["coworker:skill/call@0.1.0", "coworker:skill/log@0.1.0"];
        // Its own files, a random number, and the model: what a SKILL.md asks for, and nothing else.
        const RUNNERS: [&str; 5] = [
            "wasi:filesystem/",
            "wasi:io/",
            "wasi:clocks/wall-clock@",
            "wasi:random/random@",
            "coworker:skill/llm@",
        ];
        let powers = match self {
            Self::Example(_) => &[][..],
            Self::Guest(_) => &POWERS,
            Self::Runner => &RUNNERS,
        };
        HARMLESS.contains(&interface) || powers.iter().any(|power| interface.starts_with(power))
    }

    const fn shelf(self) -> &'static str {
        match self {
            Self::Example(_) => "example-skills",
            Self::Guest(_) => "tests/guests",
            Self::Runner => "skills-sdk",
        }
    }
}
