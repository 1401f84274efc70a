"""What may be said between tasker, server and worker, and in which bytes.

For: AMP commands, the types of their arguments, the format of packs, and the versions both ends compare.
Knows nothing about: what a command makes happen. There is no logic here, no state, no disk, no certificate.
May import: `marx.core`, Twisted and the standard library.
Read first: `calls`, which every command inherits from, then `hello`, then `worker` or `tasker`.

Five stories. `-->` is a call, `<--` its answer, `[commit]` the point from which the server will not forget.

A normal chunk:

    tasker                         server                              worker
    SubmitTask, AddItems       -->
                                   [commit]
                               <-- answers
    WatchTask                  -->  CarryItems, GrantChunks         -->  runs the chunk
                                                                    <--  ReportItems: results, output, its end
                                   [commit]
                                   answer: accepted                 -->  forgets the report
                               <-- CarryResults, CarryOutput
    answers: taken             -->
                               <-- TaskChanged: complete

A lost worker: the connection is cut; its leases stand until they expire, since it may only be out of reach.

                                   (cut)                                 goes on computing, keeps its reports
                                   (leases expire: the items wait again)
                                   GrantChunks, with a new fence    -->  another worker

A late report: the first worker comes back after all, with the same boot id.

                                                                    <--  OfferSlots, with what it still holds
                                   RevokeChunks, what others have   -->
                                                                    <--  ReportItems, under the old fence
                                   answer: "known" where another was faster, "" where the items are undone

A cancelled task:

    CancelTask                 -->  RevokeChunks                    -->  ends the processes
                                   [commit]                         <--  ReportItems: ends, outcome cancelled
                               <-- answer: how many processes, and which workers were out of reach
                               <-- TaskChanged: cancelled, complete

A restart of the server: leases are not stored, and the new start writes a new epoch, the high bits of every fence.

                                   (killed; started; rebuilt from the store)
                               <-- (closed)                         -->
    Greet, WatchTask from where it was -->                          <--  Greet, OfferSlots, with what it holds
                                   (believed where the items are undone)
                                                                    <--  ReportItems, what was never answered
                                   [commit]
                                   answers                          -->
"""
