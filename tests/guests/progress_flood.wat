  ;; Reports its progress without end, each time with a page of a note.
  (import "coworker:skill/call@0.1.0" "progress" (func $progress (param i32 i32 i32)))
  (func (export "invoke") (param i32 i32 i32 i32) (result i32)
    (loop $again
      (call $progress (i32.const 1) (i32.const 0) (i32.const 65536))
      (br $again))
    (unreachable))
