  ;; Answers with 300 KiB: more than a KNOWN caller may receive, less than the host refuses to copy.
  (func (export "invoke") (param i32 i32 i32 i32) (result i32)
    (drop (memory.grow (i32.const 8)))
    (memory.fill (i32.const 65536) (i32.const 49) (i32.const 307200))
    (i32.store (i32.const 20) (i32.const 65536))
    (i32.store (i32.const 24) (i32.const 307200))
    (i32.const 16))
