// A web server that keeps what it is sent.
import { createServer } from "node:http";

export async function hook(context, answer = "<Response/>") {
    const seen = [];
    const server = createServer((request, response) => {
        let body = "";
        request.setEncoding("utf8").on("data", (text) => (body += text));
        request.on("end", () => {
            seen.push({ url: `http://${request.headers.host}${request.url}`, headers: request.headers, body });
            response.setHeader("content-type", "text/xml").end(answer);
        });
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    context.after(() => {
        server.closeAllConnections();
        server.close();
    });
    return { seen, url: (path) => `http://127.0.0.1:${server.address().port}${path}` };
}
