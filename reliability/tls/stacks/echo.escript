#!/usr/bin/env escript
%% An echo over TLS: echo.escript CHAIN.pem KEY.pem 1.2|1.3; prints its port.

main([Chain, Key, Version]) ->
    {ok, _} = application:ensure_all_started(ssl),
    {ok, Listener} = ssl:listen(0, [
        {ip, {127, 0, 0, 1}},
        {certfile, Chain},
        {keyfile, Key},
        {versions, [list_to_atom("tlsv" ++ Version)]},
        {active, false},
        {mode, binary},
        {reuseaddr, true}
    ]),
    {ok, {_, Port}} = ssl:sockname(Listener),
    io:format("~b~n", [Port]),
    spawn(fun() -> accept(Listener) end),
    wait().

wait() ->
    case io:get_line("") of
        eof -> halt(0);
        _ -> wait()
    end.

accept(Listener) ->
    {ok, Waiting} = ssl:transport_accept(Listener),
    Echo = spawn(fun() ->
        receive
            go ->
                {ok, Socket} = ssl:handshake(Waiting),
                echo(Socket)
        end
    end),
    ok = ssl:controlling_process(Waiting, Echo),
    Echo ! go,
    accept(Listener).

echo(Socket) ->
    case ssl:recv(Socket, 0) of
        {ok, Bytes} ->
            ok = ssl:send(Socket, Bytes),
            echo(Socket);
        {error, _} ->
            ok
    end.
