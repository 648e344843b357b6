//! A thin fetch client: typed answers, the server's own error text, the key header, abort.

import { baseUrl } from "../boot";
import { keyWanted, readKey } from "./auth";
import { parseJson } from "./json";

/** What the server said when it refused, in its own words. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  /** Where in the filter text the problem is, when it is one of the filter. */
  readonly position: { start: number; end: number } | null;
  /** Which member of what was sent is wrong, as a JSON pointer. */
  readonly pointer: string | null;

  constructor(
    status: number,
    code: string,
    message: string,
    requestId: string | null,
    position: ApiError["position"],
    pointer: string | null = null,
  ) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.position = position;
    this.pointer = pointer;
  }
}

type QueryValue = string | number | boolean | null | undefined;

export interface RequestOptions {
  /** `undefined`, `null` and `""` are left out. */
  query?: object;
  body?: unknown;
  signal?: AbortSignal;
}

export function apiUrl(path: string, query?: object): URL {
  const url = baseUrl(`api/clearspan/v1${path}`);
  for (const [name, value] of Object.entries(query ?? {}) as [string, QueryValue][])
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, String(value));
  return url;
}

export function authHeaders(): Record<string, string> {
  const key = readKey();
  return key ? { "x-api-key": key } : {};
}

export const get = <T>(path: string, options?: RequestOptions): Promise<T> => request<T>("GET", path, options);
export const post = <T>(path: string, options?: RequestOptions): Promise<T> => request<T>("POST", path, options);
export const put = <T>(path: string, options?: RequestOptions): Promise<T> => request<T>("PUT", path, options);
/** DELETE. */
export const remove = <T = void>(path: string, options?: RequestOptions): Promise<T> =>
  request<T>("DELETE", path, options);

async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  const headers: Record<string, string> = { accept: "application/json", ...authHeaders() };
  if (options.body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(apiUrl(path, options.query), {
    method,
    headers,
    body: options.body === undefined ? undefined : JSON.stringify(options.body),
    signal: options.signal,
  }).catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError(0, "unreachable", "The server does not answer. Is it running?", null, null);
  });
  const text = await response.text();
  if (!response.ok) throw errorOf(response, text);
  return (text === "" ? undefined : parseJson(text)) as T;
}

function errorOf(response: Response, text: string): ApiError {
  if (response.status === 401) keyWanted.set(true);
  const fallbackId = response.headers.get("x-request-id");
  try {
    const { error } = JSON.parse(text) as {
      error: {
        code?: string;
        message?: string;
        request_id?: string;
        position?: ApiError["position"];
        pointer?: string | null;
      };
    };
    return new ApiError(
      response.status,
      error.code ?? "error",
      error.message ?? `The server answered ${response.status}.`,
      error.request_id ?? fallbackId,
      error.position ?? null,
      error.pointer ?? null,
    );
  } catch {
    return new ApiError(
      response.status,
      "error",
      `The server answered ${response.status} ${response.statusText}.`,
      fallbackId,
      null,
    );
  }
}

/** The server could not read the filter text: said once, beside the filter. */
export const isBadFilter = (error: unknown): error is ApiError =>
  error instanceof ApiError && error.code === "invalid_filter";

/** A sentence for any thrown value. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : "Something failed that should not have. Reload the page to try again.";
