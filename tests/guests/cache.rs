//! Compiled code is loaded only if this agent wrote it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use coworker_policy::Tier;
use tempfile::TempDir;

use crate::harness::{Lab, guest, sandbox};

/// The only compiled file and its inode, which changes when the file is written again.
fn compiled(dir: &TempDir) -> (PathBuf, u64) {
    let files: Vec<_> = fs::read_dir(dir.path().join("compiled")).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 1);
    (files[0].path(), files[0].metadata().unwrap().ino())
}

/// Loads the echo guest in a new sandbox over the same folder, like the next start of the agent.
async fn load_again(dir: &TempDir, key: [u8; 32]) -> u64 {
    let lab = Lab { sandbox: sandbox(dir, key), dir: TempDir::new().unwrap() };
    lab.expect_service().await;
    compiled(dir).1
}

#[tokio::test]
async fn the_second_start_uses_the_code_of_the_first() {
    let lab = Lab::new();
    lab.expect_service().await;
    let (path, inode) = compiled(&lab.dir);
    assert_eq!(load_again(&lab.dir, [1; 32]).await, inode);
    assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn code_under_another_key_is_compiled_again() {
    let lab = Lab::new();
    lab.expect_service().await;
    let (_, inode) = compiled(&lab.dir);
    assert_ne!(load_again(&lab.dir, [2; 32]).await, inode);
}

#[tokio::test]
async fn code_that_was_changed_is_compiled_again() {
    let lab = Lab::new();
    lab.expect_service().await;
    let (path, _) = compiled(&lab.dir);
    let good = fs::read(&path).unwrap();
    let last = good.len() - 1;
    let mut flipped = good.clone();
    flipped[last] ^= 1;
    for bad in [flipped, good[..last].to_vec(), good[..16].to_vec(), Vec::new()] {
        fs::write(&path, bad).unwrap();
        let (_, inode) = compiled(&lab.dir);
        assert_ne!(load_again(&lab.dir, [1; 32]).await, inode);
    }
}

#[tokio::test]
async fn the_code_of_one_component_does_not_pass_for_another() {
    let lab = Lab::new();
    lab.expect_service().await;
    let (echo, _) = compiled(&lab.dir);
    lab.call(guest!("who"), Tier::Known, "null").await;
    let other = fs::read_dir(lab.dir.path().join("compiled")).unwrap().map(|file| file.unwrap().path());
    for path in other.filter(|path| *path != echo).collect::<Vec<_>>() {
        fs::copy(&path, &echo).unwrap();
        fs::remove_file(path).unwrap();
    }
    let (_, inode) = compiled(&lab.dir);
    assert_ne!(load_again(&lab.dir, [1; 32]).await, inode);
}
