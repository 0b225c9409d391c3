// Package worp is the wire of Rama: connections on which clients and workers
// call workers, and the encodings of what they say. docs/PROTOCOL.md describes
// every byte for those who write a client in another language.
//
// A connection begins as an HTTP/1.1 request, GET /worp with Upgrade: worp/1, on
// the port where everything else of a node is served too. After the answer 101 it
// carries binary frames both ways (frame.go), the first being HELLO and HELLO_ACK
// (hello.go). Both sides are alike from then on: each can make calls, answer
// calls and send one-way messages.
//
// # Why it looks as it does
//
// On a loopback a round trip costs 13 us, and 64 of them on the way at once cost
// a fortieth each. So there is one connection per pair of peers, all calls are on
// it, and frames gather: whoever has something to send appends it to a buffer
// under a short lock, one goroutine writes the buffer out, and what is appended
// during that write is the next one. Reading cuts many frames out of one read. The
// handing of a call from goroutine to goroutine is then most of the cost. So
// handlers and callbacks run on the reader itself, Go takes a callback and needs
// no goroutine, and only Call makes one wait.
//
// A payload lies in the buffer that was read into, and so do the values decoded
// from it. Buffers are never written twice but left to the garbage collector: no
// one gives them back and nothing changes under a value. A value that is kept for
// long keeps up to 64 KiB; who keeps one copies it.
//
// # Flow control
//
// Each side says in HELLO how much may be under way: a window for requests and
// one-way messages, and one for replies. The smaller of what both say counts, in
// both directions, so that each can bound what it may have to hold of either. A
// frame is charged to the window of its
// class (lane.go); the receiver gives the charge of a request back when its last
// answer leaves, or earlier with Release, and that of a reply when its callback
// returns. What exceeds the credit waits at the sender: requests in a queue that
// refuses with ErrQueueFull when it is full, so that callers notice; replies in
// a queue that, when it is long, lets new requests wait unhandled. Pages of one
// call are counted too: a few are on the way, more come as they are consumed, so
// that who reads one result slowly neither has it gather in memory nor keeps
// other calls from their replies. A side that sends more than it has credit for
// is told so, and the connection ends. So what a connection can hold is bounded
// on both sides: the windows, the queues, and one answer for each open call,
// whose number is bounded as well.
//
// # Why nothing waits for ever
//
// Assume that handlers answer what they got, and that handlers and callbacks do
// not block.
//
//  1. A reader never waits for anything but bytes. Nothing that it does blocks:
//     Go, Send, Reply and Page append, queue or refuse. So every frame that is
//     written is read.
//  2. Hence a writer never waits for ever: the other side's reader takes the bytes.
//  3. Control frames need no credit, so CREDIT always arrives.
//  4. Credit for replies comes back without condition: the reader gives it back
//     after the callback, which waits for nothing. The longest reply is charged
//     half the window, and at most a quarter is withheld for a larger CREDIT. So
//     a reply that waits is sent some day.
//  5. Credit for requests comes back when they are answered, and answers are sent
//     by 4. Replies never wait behind requests, for they have a lane of their own.
//     With one lane, two sides full of each other's requests could not answer.
//
// The assumption is the handlers'. One that, to answer, waits for an answer from
// the side that asked can wait in a circle with its like on the other side, when
// both windows are full of them, or all slots taken. Release gives the credit
// back, but a slot is taken until the answer. So what can be many is said in
// one-way messages, and those are Released when they have been queued, not when
// they have led to others.
//
// # Ends
//
// Bytes that are no frame, and frames against the rules, end the connection, for
// nothing behind them can be trusted: an ERROR frame of call 0 says why. A whole
// frame with a bad payload or an unknown request type costs its call only. A
// handler's panic is answered with CodeInternal. When a connection is lost every
// open call ends with LostError, which says whether the request had left. Drain
// (GOAWAY) ends a connection without loss.
//
// # Words
//
//	call      a request and its answers: any number of pages and one last reply or error
//	one-way   a message without answer
//	slot      the low half of a call's id: its place in the tables of both sides
//	page      an answer that is not the last
//	lane      what a side may send of one class of frames, and what waits for it
//	window    the credit that a lane has at most
//	charge    what a frame takes from its lane's credit, and what is given back
//	held      requests that arrived but are not handled until replies have left
//	farewell  an end that still writes what is to be written
package worp
