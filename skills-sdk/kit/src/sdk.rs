//! The SDK of the version of this program. A new skill gets a copy, so that it builds anywhere, and always with the SDK
//! that it was written for.

use crate::scaffold::File;

macro_rules! sources {
    ($($name:literal),+ $(,)?) => {
        [$((concat!("sdk/src/", $name), include_str!(concat!("../../rust/src/", $name)))),+]
    };
}

const SOURCES: [(&str, &str); 10] = sources![
    "bindings.rs",
    "call.rs",
    "component.rs",
    "error.rs",
    "guest.rs",
    "lib.rs",
    "llm.rs",
    "log.rs",
    "peers.rs",
    "schema.rs",
];

pub(crate) fn files() -> impl Iterator<Item = File> {
    let manifest = include_str!("template/sdk.toml.in").replace("{{version}}", env!("CARGO_PKG_VERSION"));
    let sources = SOURCES.map(|(path, text)| File { path: path.to_owned(), text: text.to_owned() });
    std::iter::once(File { path: "sdk/Cargo.toml".to_owned(), text: manifest }).chain(sources)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use toml::Table;

    use super::*;

    fn table(path: &str) -> Table {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        std::fs::read_to_string(path).unwrap().parse().unwrap()
    }

    #[test]
    fn the_copy_has_every_file_of_the_sdk() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rust/src");
        let entries = folder.read_dir().unwrap();
        let there: BTreeSet<String> = entries
            .map(|entry| format!("sdk/src/{}", entry.unwrap().file_name().into_string().unwrap()))
            .collect();
        let copied: BTreeSet<String> = SOURCES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(copied, there);
    }

    #[test]
    fn the_copy_has_the_dependencies_of_the_sdk() {
        let (sdk, workspace) = (table("../rust/Cargo.toml"), table("../../Cargo.toml"));
        let copy: Table = files().next().unwrap().text.parse().unwrap();
        let ours = sdk["dependencies"].as_table().unwrap();
        let copied = copy["dependencies"].as_table().unwrap();
        assert!(ours.keys().eq(copied.keys()), "{copied:?}");
        for (name, dependency) in copied {
            assert_eq!(dependency, &workspace["workspace"]["dependencies"][name], "{name}");
        }
        assert_eq!(copy["package"]["edition"], workspace["workspace"]["package"]["edition"]);
        assert_eq!(copy["package"]["rust-version"], workspace["workspace"]["package"]["rust-version"]);
    }
}
