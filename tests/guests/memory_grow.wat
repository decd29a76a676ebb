  ;; Takes memory until it is refused, then gives up as most languages do.
  (func (export "invoke") (param i32 i32 i32 i32) (result i32)
    (loop $more
      (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    (unreachable))
