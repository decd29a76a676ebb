  ;; Sends a secret in a header to the origin in its input, waits for the response, and puts its placeholder
  ;; into its answer and its log.
  (import "coworker:skill/log@0.1.0" "log" (func $log (param i32 i32 i32)))
  (import "wasi:config/store@0.2.0-rc.1" "get" (func $config (param i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.0" "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[constructor]outgoing-request" (func $request (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-scheme"
    (func $scheme (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-authority"
    (func $authority (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-path-with-query"
    (func $path (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]future-incoming-response.subscribe"
    (func $subscribe (param i32) (result i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:http/outgoing-handler@0.2.0" "handle" (func $handle (param i32 i32 i32 i32)))
  (data (i32.const 512) "TOKEN")
  (data (i32.const 528) "x-token")
  (data (i32.const 540) "/")
  ;; The text between the quotes of the JSON input.
  (func (export "invoke") (param i32 i32) (param $at i32) (param $len i32) (result i32)
    (local $headers i32) (local $request i32) (local $token i32) (local $size i32)
    (call $config (i32.const 512) (i32.const 5) (i32.const 128))
    ;; Nothing, if there is no such secret.
    (if (i32.and (i32.eqz (i32.load8_u (i32.const 128))) (i32.load8_u (i32.const 132))) (then
      (local.set $token (i32.load (i32.const 136)))
      (local.set $size (i32.load (i32.const 140)))))
    (local.set $headers (call $fields))
    (call $append (local.get $headers) (i32.const 528) (i32.const 7) (local.get $token) (local.get $size) (i32.const 160))
    (local.set $request (call $request (local.get $headers)))
    (drop (call $scheme (local.get $request) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
    (drop (call $authority (local.get $request) (i32.const 1)
      (i32.add (local.get $at) (i32.const 1)) (i32.sub (local.get $len) (i32.const 2))))
    (drop (call $path (local.get $request) (i32.const 1) (i32.const 540) (i32.const 1)))
    (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 192))
    (if (i32.eqz (i32.load8_u (i32.const 192))) (then
      (call $block (call $subscribe (i32.load (i32.const 200))))))
    (call $log (i32.const 2) (local.get $token) (local.get $size))
    (i32.store8 (i32.const 1023) (i32.const 34))
    (memory.copy (i32.const 1024) (local.get $token) (local.get $size))
    (i32.store8 (i32.add (i32.const 1024) (local.get $size)) (i32.const 34))
    (i32.store8 (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (i32.const 1023))
    (i32.store (i32.const 24) (i32.add (local.get $size) (i32.const 2)))
    (i32.const 16))
