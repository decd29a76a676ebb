  ;; Takes table elements until it is refused, and then for ever.
  (table $t 1 funcref)
  (func (export "invoke") (param i32 i32 i32 i32) (result i32)
    (loop $more
      (drop (table.grow $t (ref.null func) (i32.const 100)))
      (br $more))
    (unreachable))
