use crate::{Page, Topic};

pub(crate) fn page(topic: Topic) -> Page {
    let (title, text, see_also): (&str, &str, &[Topic]) = match topic {
        Topic::General => ("What coworker is", GENERAL, &[Topic::Skills, Topic::Trust, Topic::Privacy]),
        Topic::Privacy => ("What stays private", PRIVACY, &[Topic::Sandbox, Topic::Network, Topic::Trust]),
        Topic::Trust => ("Trust and its four tiers", TRUST, &[Topic::Grants, Topic::Skills]),
        Topic::Skills => ("Skills", SKILLS, &[Topic::Writing, Topic::Sandbox, Topic::Trust]),
        Topic::Sandbox => ("The sandbox", SANDBOX, &[Topic::Grants, Topic::Privacy]),
        Topic::Grants => ("Capabilities and grants", GRANTS, &[Topic::Trust, Topic::Sandbox]),
        Topic::Network => ("Between agents", NETWORK, &[Topic::Privacy, Topic::Trust]),
        Topic::Writing => ("Writing a skill", WRITING, &[Topic::Skills, Topic::Grants]),
    };
    Page { topic, title: title.to_owned(), text: text.to_owned(), see_also: see_also.to_vec() }
}

const GENERAL: &str = "\
coworker lets agents use each other's skills without showing how the skills work. Each agent belongs to \
one person, its owner, and offers skills: functions with a name, a description and a schema for what goes \
in and what comes out. Another agent connects with an invite code, sees the skills that its owner was \
trusted to see, and calls them. There is no server in the middle: agents talk directly, end-to-end encrypted.";

const PRIVACY: &str = "\
A caller learns the contract of a skill and the answers to its calls, and nothing else: not the \
code, not prompts or files behind it, not the owner's other skills. A skill that is hidden, one that needs more \
trust and one that never existed are answered alike. The caller's input does reach the skill's owner, \
whose agent keeps a record of each call; send nothing that this person should not have.";

const TRUST: &str = "\
An agent puts each peer into one of four tiers: UNTRUSTED, KNOWN, INTERNAL and PRIVILEGED. The tier \
decides which skills the peer can see and call, how much of the machine a call may use, and what a skill may do \
during it. Only the owner raises a tier; a peer can ask, and waits for the answer. Tiers can be lent for a time, for a \
number of calls or until a goal is reached, and what is taken away stops working at once, even in the middle of a call.";

const SKILLS: &str = "\
A skill is one callable contract: name, version, description, when to use it, and JSON Schemas of its input \
and output. Discovery lists the skills that you may call; a call sends JSON that fits the input schema and brings \
JSON that fits the output schema, or an error that says what was wrong. A new skill is hidden until its \
owner exposes it and says from which tier.";

const SANDBOX: &str = "\
Each skill is a WebAssembly component, and each call runs in an instance of its own that is thrown away \
afterwards. It has no files, no network, no environment and no other process to look at unless its owner granted \
that. Memory, computing time, size of the answer and number of calls are limited by the caller's tier. A skill that \
loops, crashes or grows is stopped, and the agent keeps serving others.";

const GRANTS: &str = "\
What a component can ask for is written in its imports: what it does not import it cannot use. What it \
gets in a call is what it imports, what its owner granted, and what the caller's tier allows, all three at once. \
Capabilities are, for example, web requests to named addresses, named directories, stored state, \
and a language model. Nothing is granted by default beyond knowing about the call and writing to the owner's log.";

const NETWORK: &str = "\
An agent is named by its public key. An invite code carries that key and a name, not an address and not a secret. \
Messages are encrypted with MLS inside a QUIC connection, so a relay that forwards them sees neither skill names nor \
inputs nor answers. On a local network agents find each other without any server. A message to an agent that is \
away waits with its sender.";

const WRITING: &str = "\
In Rust a skill is a typed function: describe input and output as serde types, register the function with the \
macro `coworker_skill::skills!`, and build for wasm32-unknown-unknown. Descriptor and schemas come from the types and \
their comments. Any language that makes WebAssembly components can implement the world `skill` of the package \
`coworker:skill`: it exports `describe` and `invoke`. `coworker skill add` installs the result and shows what it asks for.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component;

    #[test]
    fn no_topic_means_general() {
        let general = component().invoke("about", "{}").unwrap();
        assert_eq!(general, component().invoke("about", r#"{"topic":"general"}"#).unwrap());
        assert!(general.contains("end-to-end"));
    }

    #[test]
    fn pages_never_point_to_themselves_and_reach_all() {
        let mut reached = vec![Topic::General];
        let mut next = 0;
        while next < reached.len() {
            let topic = reached[next];
            let page = page(topic);
            assert!(!page.see_also.contains(&topic) && page.text.len() > 200);
            reached.extend(page.see_also.iter().filter(|t| !reached.contains(t)).collect::<Vec<_>>());
            next += 1;
        }
        assert_eq!(reached.len(), 8);
    }

    #[test]
    fn an_unknown_topic_is_refused() {
        let error = component().invoke("about", r#"{"topic":"weather"}"#).unwrap_err();
        assert!(matches!(error, coworker_skill::SkillError::InvalidInput(_)));
    }
}
