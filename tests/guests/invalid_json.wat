  ;; Answers with text that is not JSON.
  (data (i32.const 32) "{\"open\":")
  (func (export "invoke") (param i32 i32 i32 i32) (result i32)
    (i32.store (i32.const 20) (i32.const 32))
    (i32.store (i32.const 24) (i32.const 8))
    (i32.const 16))
