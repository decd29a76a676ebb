  ;; Fails as its input says: the digit at index 1 of `"0"` is the case of skill-error, with the text `why`.
  (data (i32.const 32) "why")
  (func (export "invoke") (param i32 i32) (param $at i32) (param $len i32) (result i32)
    (i32.store8 (i32.const 16) (i32.const 1))
    (i32.store8 (i32.const 20) (i32.sub (i32.load8_u offset=1 (local.get $at)) (i32.const 48)))
    (i32.store (i32.const 24) (i32.const 32))
    (i32.store (i32.const 28) (i32.const 3))
    (i32.const 16))
