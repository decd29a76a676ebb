  ;; Answers with bytes that are not UTF-8.
  (data (i32.const 32) "\ff\fe\80")
  (func (export "invoke") (param i32 i32 i32 i32) (result i32)
    (i32.store (i32.const 20) (i32.const 32))
    (i32.store (i32.const 24) (i32.const 3))
    (i32.const 16))
