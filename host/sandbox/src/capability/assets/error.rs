use std::io;

/// Longest path of an asset, in bytes, and most folders in it.
pub(super) const PATH: usize = 255;
pub(super) const DEPTH: usize = 16;

/// Why the files packed with a component cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AssetsError {
    #[error("the component has two sections `{0}`")]
    Twice(&'static str),
    #[error("the assets are larger than {max} bytes")]
    TooLarge { max: usize },
    #[error("there are more than {max} assets")]
    TooMany { max: usize },
    #[error("the archive of assets is damaged")]
    Damaged(#[source] io::Error),
    #[error("the asset {path:?} is not a regular file")]
    NotAFile { path: String },
    #[error(
        "an asset cannot be named {path:?}: a path must be relative and unique, without `.`, `..`, `\\`, `:` and \
         control characters, at most {PATH} bytes long and {DEPTH} folders deep"
    )]
    Path { path: String },
    #[error("the assets cannot be unpacked")]
    Unpack(#[source] io::Error),
}
