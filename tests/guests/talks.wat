  ;; Tells of its text, words of five letters and a space, beginning with the word that the input `"NNK"` names by
  ;; its first two digits: 5 words (K is 0), 20 words (1), 20 words as an error (2), 20 words in parts of one (3),
  ;; 5 words in a part and then nothing for ever (4).
  (import "coworker:skill/call@0.1.0" "emit" (func $emit (param i32 i32)))
  (data (i32.const 4096) "TEXT")
  (data (i32.const 5000) "harmless chatter that goes on and on until there is enough of it, with many words of no interest to anybody at all, about rain, trains, bread, paint, ladders, yesterday and what one might have had for lunch had there been any; ")
  (func $digit (param $at i32) (result i32)
    (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
  (func (export "invoke") (param i32 i32) (param $at i32) (param $len i32) (result i32)
    (local $from i32) (local $kind i32) (local $size i32) (local $part i32)
    (local.set $from (i32.add (i32.const 4096) (i32.mul (i32.const 6)
      (i32.add (i32.mul (call $digit (i32.add (local.get $at) (i32.const 1))) (i32.const 10))
        (call $digit (i32.add (local.get $at) (i32.const 2)))))))
    (local.set $kind (call $digit (i32.add (local.get $at) (i32.const 3))))
    (local.set $size (select (i32.const 29) (i32.const 119) (i32.eqz (local.get $kind))))
    (i32.store8 (i32.const 8192) (i32.const 34))
    (memory.copy (i32.const 8193) (local.get $from) (local.get $size))
    (i32.store8 (i32.add (i32.const 8193) (local.get $size)) (i32.const 34))
    (if (i32.eq (local.get $kind) (i32.const 3)) (then
      (loop $next
        (call $emit (i32.add (local.get $from) (i32.mul (local.get $part) (i32.const 6))) (i32.const 6))
        (local.set $part (i32.add (local.get $part) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $part) (i32.const 20))))))
    (if (i32.eq (local.get $kind) (i32.const 4)) (then
      (call $emit (local.get $from) (i32.const 30))
      (call $emit (i32.const 5000) (i32.const 223))
      (loop $again (br $again))))
    (i32.store8 (i32.const 16) (i32.eq (local.get $kind) (i32.const 2)))
    (i32.store (i32.const 20) (i32.const 8192))
    (i32.store (i32.const 24) (i32.add (local.get $size) (i32.const 2)))
    (if (i32.eq (local.get $kind) (i32.const 2)) (then
      (i32.store8 (i32.const 20) (i32.const 5))
      (i32.store (i32.const 24) (i32.const 8193))
      (i32.store (i32.const 28) (local.get $size))))
    (i32.const 16))
