//! The packages of the workspace whose components are committed.

/// One such package.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece {
    /// A skill of `example-skills/`.
    Example(&'static str),
    /// A guest of `tests/guests/`.
    Guest(&'static str),
    /// The component that runs a SKILL.md. The program contains it.
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

    /// The folder of its sources, from the project's root.
    pub(super) fn sources(self) -> String {
        format!("{}/{}", self.folder(), self.name())
    }

    /// The file of its component, from the project's root.
    pub(super) fn built(self) -> String {
        format!("{}/built/{}.wasm", self.folder(), self.name())
    }

    /// Whether it may import an interface. Examples may import none that gives power.
    pub(super) fn may_import(self, interface: &str) -> bool {
        const POWERS: [&str; 3] = ["wasi:", "coworker:skill/llm@", "coworker:skill/peers@"];
        const HARMLESS: [&str; 2] = ["coworker:skill/call@0.1.0", "coworker:skill/log@0.1.0"];
        // Its own files, random numbers, and the model: a SKILL.md needs nothing else.
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

    const fn folder(self) -> &'static str {
        match self {
            Self::Example(_) => "example-skills",
            Self::Guest(_) => "tests/guests",
            Self::Runner => "skills-sdk",
        }
    }
}
