  ;; Asks the host to make four gigabytes of zeros.
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.write-zeroes" (func $zeroes (param i32 i64 i32)))
  (func (export "invoke") (param i32 i32 i32 i32) (result i32)
    (call $zeroes (call $stdout) (i64.const 4294967296) (i32.const 128))
    (unreachable))
