  ;; Shared by all guests: a memory, an allocator that only moves forward, and a describe that
  ;; names one skill, unless the guest brings its own.
  (memory (export "memory") 2)
  (global $next (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $at) (local.get $new)))
    (memory.copy (local.get $at) (local.get $old) (local.get $size))
    (local.get $at))
