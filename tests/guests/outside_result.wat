  ;; Answers with a pointer and a length far outside its memory.
  (func (export "invoke") (param i32 i32 i32 i32) (result i32)
    (i32.store (i32.const 20) (i32.const 0x7fffffff))
    (i32.store (i32.const 24) (i32.const 0x7fffffff))
    (i32.const 16))
