  ;; Prints a line and answers with the number of environment variables.
  (import "wasi:cli/environment@0.2.0" "get-environment" (func $environment (param i32)))
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (data (i32.const 32) "printed\n")
  (func (export "invoke") (param i32 i32 i32 i32) (result i32)
    (call $write (call $stdout) (i32.const 32) (i32.const 8) (i32.const 128))
    (call $environment (i32.const 48))
    (i32.store8 (i32.const 64) (i32.add (i32.load offset=4 (i32.const 48)) (i32.const 48)))
    (i32.store (i32.const 20) (i32.const 64))
    (i32.store (i32.const 24) (i32.const 1))
    (i32.const 16))
