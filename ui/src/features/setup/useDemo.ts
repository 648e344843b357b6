import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ApiError } from "@/lib/api/client";
import { sendDemo, skeletonQuery } from "@/lib/api/queries";

const RETRY_MS = 100;
const GIVE_UP_MS = 5_000;

/** Sends the demo set through the server's own OTLP endpoint and opens its main trace as soon as it can be read. */
export function useDemo(): { send: () => void; sending: boolean; error: unknown } {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [sending, setSending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const send = async () => {
    setSending(true);
    setError(null);
    try {
      const demo = await sendDemo();
      const deadline = Date.now() + GIVE_UP_MS;
      // The answer may come before the last batch is readable.
      for (;;) {
        try {
          await client.fetchQuery(skeletonQuery(demo.featured_trace_id, demo.project));
          break;
        } catch (failure) {
          const early = failure instanceof ApiError && failure.status === 404;
          if (!early || Date.now() > deadline) throw failure;
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
      }
      void client.invalidateQueries({ queryKey: ["projects"] });
      await navigate({
        to: "/p/$project/traces/$traceId",
        params: { project: demo.project, traceId: demo.featured_trace_id },
      });
    } catch (failure) {
      setError(failure);
    } finally {
      setSending(false);
    }
  };
  return { send: () => void send(), sending, error };
}
