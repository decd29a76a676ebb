  ;; Spins before it is asked anything.
  (func $start
    (loop $again (br $again)))
  (start $start)
  (func (export "invoke") (param i32 i32 i32 i32) (result i32)
    (unreachable))
