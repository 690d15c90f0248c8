/** The next client of `listener` that is still there; small packets to it go out at once. */
export async function acceptNext(listener: Deno.TcpListener): Promise<Deno.TcpConn> {
  for (;;) {
    try {
      const conn = await listener.accept();
      conn.setNoDelay(true);
      return conn;
    } catch (error) {
      if (!isReset(error)) throw error;
    }
  }
}

/** Whether the client has broken the connection before it was accepted. Deno has no class for `EINVAL`. */
function isReset(error: unknown): boolean {
  return error instanceof Deno.errors.NotConnected || error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Error && error.message.includes("os error 22");
}
