  ;; Few instructions, much work: fills its whole memory over and over.
  (func (export "invoke") (param i32 i32 i32 i32) (result i32)
    (drop (memory.grow (i32.const 254)))
    (loop $again
      (memory.fill (i32.const 0) (i32.const 7) (i32.const 16777216))
      (br $again))
    (unreachable))
