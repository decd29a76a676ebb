  ;; Asks the host for the time that is left, for ever: hardly any fuel, all of it host time.
  (import "coworker:skill/call@0.1.0" "remaining-ms" (func $remaining (result i64)))
  (func (export "invoke") (param i32 i32 i32 i32) (result i32)
    (loop $again (drop (call $remaining)) (br $again))
    (unreachable))
