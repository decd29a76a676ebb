//! How soon a guest ends whose call is cut short: one that spins, and one that waits for the web.

use std::time::Duration;

use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ops::{SkillAdd, SkillGrant, SkillHide, SkillLook, SkillRemove};
use coworker_channel::Message;
use coworker_policy::{Capability, RequestId, Tier};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use crate::guest::{FETCH, spins};
use crate::harness::{BOUND, Town, set_tier, until};
use crate::stranger::{Stranger, patient};

/// The promised time. A busy machine gets a few tries.
const PROMISED: Duration = Duration::from_millis(100);
const TRIES: usize = 20;
const LONG: Duration = Duration::from_mins(1);

#[derive(Clone, Copy, Debug)]
enum Cause {
    Downgrade,
    Hide,
    Remove,
    Cancel,
    Disconnect,
}

/// ada has skills that spin or wait for a server that never answers, and eve calls them.
struct Scene {
    town: Town,
    ada: Agent,
    eve: Stranger,
    server: TcpListener,
}

impl Scene {
    async fn new() -> Self {
        let town = Town::new();
        let ada = town.open("ada").await;
        let mut eve = Stranger::new(&town.hub, "eve");
        eve.meet(ada.peer_id()).await;
        Self { town, ada, eve, server: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    /// As it was before the last cause.
    async fn set(&mut self, skill: &str) {
        let path = self.town.path("guest.wasm");
        std::fs::write(&path, if skill == "spins" { spins() } else { FETCH.to_vec() }).unwrap();
        let agreed = SkillLook { path: path.clone() }.run(&self.ada).await.unwrap().digest;
        SkillAdd { path, agreed, expose: Some(Tier::Internal) }.run(&self.ada).await.unwrap();
        if skill == "fetch" {
            let to = format!("GET http://{}/* private", self.server.local_addr().unwrap());
            let (name, capability) = (skill.to_owned(), Capability::Http);
            SkillGrant { name, capability, to: vec![to], from: None }.run(&self.ada).await.unwrap();
        }
        set_tier(&self.ada, self.eve.id, Tier::Privileged).await;
    }

    /// Starts a call; the connection to the server shows when its guest is gone.
    async fn start(&mut self, skill: &str) -> (RequestId, Option<TcpStream>) {
        let id = RequestId::random();
        let server = self.server.local_addr().unwrap();
        let input = format!(r#"{{"requests": [{{"authority": "{server}", "path": "/"}}]}}"#);
        self.eve.send(&patient(id, skill, &input, LONG));
        let tag = id.to_string();
        until("it runs", async || self.town.count("ada", "call_permitted", &tag) == 1).await;
        if skill == "spins" {
            return (id, None);
        }
        let (mut stream, _) = timeout(BOUND, self.server.accept()).await.unwrap().unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0, "the request");
        (id, Some(stream))
    }

    /// The moment of the end of the owner's command, or of the caller's action.
    async fn cut(&mut self, skill: &str, cause: Cause, id: RequestId) -> Instant {
        match cause {
            Cause::Downgrade => set_tier(&self.ada, self.eve.id, Tier::Internal).await,
            Cause::Hide => drop(SkillHide { name: skill.into() }.run(&self.ada).await.unwrap()),
            Cause::Remove => drop(SkillRemove { name: skill.into() }.run(&self.ada).await.unwrap()),
            Cause::Cancel => self.eve.send(&Message::TaskCancel { id }),
            Cause::Disconnect => self.eve.hang_up(),
        }
        Instant::now()
    }

    /// When the guest is gone: its request is aborted, or its end is told.
    async fn gone(&mut self, cause: Cause, id: RequestId, stream: Option<TcpStream>) -> Instant {
        if let Some(mut stream) = stream {
            let end = timeout(BOUND, stream.read(&mut [0; 64])).await.expect("the request goes on");
            assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
        } else if matches!(cause, Cause::Disconnect) {
            let tag = id.to_string();
            until("it stops", async || self.town.count("ada", "call_interrupted", &tag) == 1).await;
        } else {
            assert!(matches!(self.eve.read().await, Message::TaskError { .. }));
            return Instant::now();
        }
        Instant::now()
    }

    /// Leaves nothing of the call for the next try.
    async fn clear(&mut self, cause: Cause, id: RequestId, told: bool) {
        if matches!(cause, Cause::Disconnect) {
            self.eve.resume(self.ada.peer_id()).await;
            self.eve.send(&Message::TaskCancel { id });
        }
        if !told || matches!(cause, Cause::Disconnect) {
            assert!(matches!(self.eve.read().await, Message::TaskError { .. }), "its result is dropped");
        }
        let tag = id.to_string();
        assert_eq!(self.town.count("ada", "call_finished", &tag), 1);
    }
}

async fn measure(skill: &str) {
    let mut scene = Scene::new().await;
    for cause in [Cause::Downgrade, Cause::Hide, Cause::Remove, Cause::Cancel, Cause::Disconnect] {
        let mut best = Duration::MAX;
        for _ in 0..TRIES {
            scene.set(skill).await;
            let (id, stream) = scene.start(skill).await;
            let told = stream.is_none();
            let cut = scene.cut(skill, cause, id).await;
            best = best.min(scene.gone(cause, id, stream).await - cut);
            scene.clear(cause, id, told).await;
            if best < PROMISED {
                break;
            }
        }
        assert!(best < PROMISED, "{skill}, {cause:?}: {best:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_guest_that_spins_ends_within_the_promised_time() {
    measure("spins").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_guest_that_waits_for_the_web_ends_within_the_promised_time() {
    measure("fetch").await;
}
