use jsonschema::PatternOptions;
use serde_json::json;

const KIB: usize = 1024;

/// Largest automaton of a pattern, in bytes. A repetition of a repetition is short to write and large to
/// compile.
const LARGEST: usize = 1024 * KIB;

/// The engine for patterns, which takes time linear in the text.
pub(crate) fn options() -> PatternOptions<jsonschema::Regex> {
    up_to(LARGEST)
}

fn up_to(size: usize) -> PatternOptions<jsonschema::Regex> {
    PatternOptions::regex().size_limit(size).dfa_size_limit(256 * KIB)
}

/// Steps that a pattern takes for every byte of a text. In the worst case the engine visits its whole automaton
/// for each byte, so the steps grow with the size of the automaton.
pub(crate) fn steps(pattern: &str) -> u64 {
    let fits = |size: usize| {
        let options = jsonschema::options().with_pattern_options(up_to(size * KIB));
        options.build(&json!({"pattern": pattern})).is_ok()
    };
    let size = [16, 64, 256].into_iter().find(|size| fits(*size)).unwrap_or(LARGEST / KIB);
    size as u64 / 2
}
