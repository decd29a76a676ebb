  ;; Answers with 40 MiB that it really has.
  (func (export "invoke") (param i32 i32 i32 i32) (result i32)
    (drop (memory.grow (i32.const 704)))
    (i32.store (i32.const 20) (i32.const 65536))
    (i32.store (i32.const 24) (i32.const 41943040))
    (i32.const 16))
