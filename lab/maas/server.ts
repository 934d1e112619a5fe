import { createServer, type Server, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { type Answer, answer } from "./answers.ts";
import { dispatcher } from "./dispatch.ts";
import { resources } from "./endpoints/all.ts";
import type { Maas } from "./maas.ts";
import { type Request, readRequest } from "./request.ts";

/**
 * The HTTP server of a MAAS region: nginx in front of regiond. Changes are stored before the answer is sent.
 */
export function regionServer(maas: Maas): Server {
  const dispatch = dispatcher(maas, resources);
  const server = createServer((message, response) => {
    const carriedOut = async (request: Request) => {
      if (maas.faults.slow > 0) await delay(maas.faults.slow * 1000, undefined, { ref: false });
      if (Date.now() < maas.faults.badGatewayUntil) return badGateway;
      const result = await dispatch(request);
      maas.store.save();
      return result;
    };
    const answered = async () => {
      const work = carriedOut(await readRequest(message));
      maas.underWay.add(work);
      return work.finally(() => maas.underWay.delete(work));
    };
    answered().then(
      (result) => send(response, result),
      () => response.destroy(), // the client disconnected during its request
    );
  });
  server.keepAliveTimeout = 75_000; // nginx's
  return server;
}

const badGateway: Answer = answer(
  502,
  "text/html",
  "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
);

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, {
    ...headers,
    ...(status === 204 ? {} : { "Content-Length": Buffer.byteLength(body) }),
  });
  response.end(body);
}
