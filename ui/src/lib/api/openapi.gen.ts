// Made by `npm run api` from docs/openapi.json. Do not edit.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description What the sentence measures, so that the page can switch to it.
         * @enum {string}
         */
        Axis: "time" | "cost" | "tokens";
        /** @description What successful traces of the same name did in the last seven days. */
        Baseline: {
            /** @description Their median cost in dollars. */
            p50_cost?: string | null;
            /**
             * Format: int64
             * @description Their median latency.
             */
            p50_us?: number | null;
            /**
             * Format: int64
             * @description How many there were.
             */
            runs: number;
        };
        /** @description One entry a run in each column, except `orphan`. */
        Columns: {
            /** @description 0: not tried again; else which try it was. */
            attempt: number[];
            /** @description 1 when its own tokens or cost count in the totals. */
            billed: number[];
            cached_tokens: (number | null)[];
            /** @description The run's own cost in nano-dollars. */
            cost: (number | null)[];
            /** @description Row of the run that tells of the same model call and counts instead of it, or -1. */
            double_of: number[];
            /** @description Null while pending. */
            duration_us: (number | null)[];
            /** @description First line of the error: position in `dict`, or -1. */
            error: number[];
            /** @description Microseconds after the start of the run. */
            first_token_us: (number | null)[];
            id: string[];
            input_tokens: (number | null)[];
            /** @description Position in `dict`, or -1. */
            model: number[];
            /** @description Position in `dict`. */
            name: number[];
            /** @description Rows whose named parent is not here. */
            orphan: number[];
            output_tokens: (number | null)[];
            /** @description Row of the parent, -1 for roots. */
            parent: number[];
            reasoning_tokens: (number | null)[];
            /** @description Microseconds after the start of the trace. */
            start_us: number[];
            /** @description 0 pending, 1 success, 2 error. */
            status: number[];
            /** @description 1 for the HTTP or gRPC request that a client library made. */
            transport: number[];
            /** @description The cost of the run and everything below it, in nano-dollars. */
            tree_cost: (number | null)[];
            tree_tokens: number[];
            /** @description Position in `dict`. */
            type: number[];
            /** @description Why it has no cost: position in `dict`, or -1. */
            unpriced: number[];
        };
        /** @description Dollars as decimal text; null is unknown. */
        CostAnswer: {
            details: {
                [key: string]: string;
            };
            input?: string | null;
            output?: string | null;
            source: components["schemas"]["CostOrigin"];
            total?: string | null;
        };
        /** @description Where a cost came from. */
        CostOrigin: {
            /** @enum {string} */
            kind: "none";
        } | {
            /** @enum {string} */
            kind: "unpriced";
            /** @description `no_model`, `unknown_model`, `no_usage` or `no_price_at_time`. */
            reason: string;
        } | {
            /** @enum {string} */
            kind: "priced";
            /** @description Which one. */
            price_id: string;
        } | {
            /** @enum {string} */
            kind: "reported";
        };
        /** @description What was deleted, or would be. */
        DeletionAnswer: {
            /** @description True when nothing was deleted. */
            dry_run: boolean;
            /** Format: int64 */
            log_records: number;
            /** Format: int64 */
            metric_points: number;
            /** Format: int64 */
            runs: number;
            /** Format: int64 */
            traces: number;
        };
        /**
         * @description Which traces of a project are to be deleted: exactly one of `filter` (with or without `time`), `user`, `thread` and
         *     `trace_ids`, or `time` alone. Traces are deleted whole.
         */
        DeletionBody: {
            /** @description Only say what would be deleted. */
            dry_run?: boolean;
            /** @description The traces that satisfy a filter, for example `env:staging status:error`. */
            filter?: string | null;
            /** @description The traces in which any run belongs to this conversation. */
            thread?: string | null;
            /** @description The traces that began in a time, for example `24h` or `2026-01-01T00:00:00Z..2026-02-01T00:00:00Z`. */
            time?: string | null;
            /** @description These traces, at most 10,000. */
            trace_ids?: string[];
            /** @description The traces in which any run was on behalf of this user. */
            user?: string | null;
        };
        DemoAnswer: {
            /** @description The one to look at first. */
            featured_trace_id: string;
            project: string;
            trace_ids: string[];
        };
        DemoBody: {
            /** @description The project that the traces go to; `demo` unless told otherwise. */
            project?: string | null;
        };
        /** @description Requests that were refused in the last ten minutes. */
        DiagnosticList: {
            /** @description The newest first. */
            events: components["schemas"]["DiagnosticRow"][];
        };
        DiagnosticRow: {
            /** @description What to change, where that is known. */
            hint?: string | null;
            path: string;
            /** @description `otlp_http`, `otlp_grpc` or `langsmith`. */
            protocol: string;
            reason: string;
            /** Format: int32 */
            status: number;
            /** Format: int64 */
            time: number;
        };
        /** @description The body of every error. */
        ErrorBody: {
            error: components["schemas"]["ErrorDetail"];
        };
        /**
         * @description What went wrong, in a word that never changes.
         * @enum {string}
         */
        ErrorCode: "invalid_filter" | "invalid_query" | "invalid_parameter" | "invalid_cursor" | "invalid_body" | "unsupported_media_type" | "not_found" | "method_not_allowed" | "conflict" | "unauthorized" | "invalid_credentials" | "too_large" | "overloaded" | "unavailable" | "timeout" | "internal";
        ErrorDetail: {
            code: components["schemas"]["ErrorCode"];
            /** @description What is wrong and what to do. */
            message: string;
            /** @description Which member of the body, as a JSON pointer. */
            pointer?: string | null;
            position?: components["schemas"]["Position"] | null;
            /** @description The same as in the `x-request-id` header and in the server's log. */
            request_id: string;
        };
        EventAnswer: {
            attributes: {
                [key: string]: unknown;
            };
            name: string;
            /** Format: int64 */
            time: number;
        };
        FacetList: {
            facets: components["schemas"]["FacetRow"][];
        };
        /** @description How many traces have each value of a field. */
        FacetRow: {
            field: string;
            values: components["schemas"]["FacetValue"][];
        };
        FacetValue: {
            /** Format: int64 */
            count: number;
            value: string;
        };
        /** @description What somebody said of a run. */
        FeedbackAnswer: {
            comment?: string | null;
            /** @description What would have been right. */
            correction?: unknown;
            /** Format: int64 */
            created_at: number;
            /** @description Whether the evaluator failed to judge; the comment says why. */
            error: boolean;
            /** @description The run of the evaluator that judged. */
            evaluator_run_id?: string | null;
            id: string;
            /** @description What is judged. */
            key: string;
            /** Format: int64 */
            modified_at: number;
            score?: components["schemas"]["ScoreAnswer"] | null;
            /** @description The kind of its source: `api`, `app`, `model`, … */
            source?: string | null;
            /** @description All that is known of the source, as it was sent. */
            source_details?: unknown;
            /** @description The judgement in words, or any JSON. */
            value?: unknown;
        };
        /** @description The feedback with one key, summed up. */
        FeedbackFigures: {
            /**
             * Format: double
             * @description The mean of the scores, where good is 1 and bad 0; null when there are none.
             */
            average?: number | null;
            /** Format: int64 */
            count: number;
            /**
             * Format: int64
             * @description How often an evaluator failed to judge.
             */
            errors: number;
            key: string;
            /** Format: double */
            max?: number | null;
            /** Format: double */
            min?: number | null;
            /** @description How often each value was given; at most five, the most frequent ones. */
            values: {
                [key: string]: number;
            };
        };
        /** @description The feedback with one key on one run of a trace. */
        FeedbackMark: {
            /**
             * Format: double
             * @description The mean of the scores, where good is 1 and bad 0; null when there are none.
             */
            average?: number | null;
            /** Format: int64 */
            count: number;
            /** @description Position in `dict`. */
            key: number;
            /** @description Of the run. */
            row: number;
        };
        FieldChange: {
            after: unknown;
            before: unknown;
            /** @description As in `sources` of a run. */
            field: string;
        };
        /** @description One sentence and where to look. */
        Finding: {
            axis: components["schemas"]["Axis"];
            /** @description The figures behind the sentence. */
            numbers: {
                [key: string]: unknown;
            };
            rule: components["schemas"]["Rule"];
            run_id: string;
            text: string;
            title: string;
        };
        /** @description Traces by time, in buckets of equal width. */
        HistogramAnswer: {
            /** Format: int64 */
            bucket_us: number;
            /** @description Nano-dollars. */
            cost: number[];
            error: number[];
            /** Format: int64 */
            from: number;
            ok: number[];
            p95_us: (number | null)[];
            /** Format: int64 */
            to: number;
        };
        /** @description What this server is. */
        Info: {
            /** @description `open`: no key is needed; `keys`: every request needs one. */
            auth: string;
            /** @description Where OTLP over gRPC is. */
            grpc_url: string;
            /** @description Where OTLP over HTTP, the API and the page are. */
            http_url: string;
            version: string;
            workspace: components["schemas"]["WorkspaceRef"];
        };
        IssueAnswer: {
            field: string;
            kind: string;
            message: string;
        };
        LinkAnswer: {
            attributes: {
                [key: string]: unknown;
            };
            span_id: string;
            trace_id: string;
        };
        LogList: {
            logs: components["schemas"]["LogRow"][];
            /** @description Pass it as `cursor` to go on; null at the end. */
            next_cursor?: string | null;
        };
        /** @description A log record. */
        LogRow: {
            attributes: {
                [key: string]: unknown;
            };
            body: unknown;
            event_name?: string | null;
            /** @description 32 hexadecimal digits: the hash of its content. */
            id: string;
            /** @description `trace`, `debug`, `info`, `warn`, `error` or `fatal`. */
            level?: string | null;
            /** Format: int64 */
            observed_time?: number | null;
            /** @description Attributes of the process that sent it. */
            resource: {
                [key: string]: unknown;
            };
            /** @description The run of its span. */
            run_id?: string | null;
            scope?: components["schemas"]["ScopeAnswer"] | null;
            service?: string | null;
            /**
             * Format: int32
             * @description 1 to 24, as OpenTelemetry counts.
             */
            severity?: number | null;
            severity_text?: string | null;
            /** Format: int64 */
            time: number;
            trace_id?: string | null;
        };
        MatchedAttribute: {
            attribute: string;
            /** @description Of an attribute that another rule used: the field that it filled. */
            value: unknown;
        };
        MetricList: {
            metrics: components["schemas"]["MetricRow"][];
        };
        /** @description A metric, summed up over the range. */
        MetricRow: {
            attribute_keys: string[];
            description?: string | null;
            /** @description `gauge`, `sum`, `histogram`, `exponential_histogram` or `summary`. */
            kind: string;
            /** Format: int64 */
            last_time: number;
            /** @description A sum that never falls. */
            monotonic: boolean;
            name: string;
            /** Format: int64 */
            points: number;
            services: string[];
            /** @description `delta` or `cumulative`. */
            temporality?: string | null;
            unit?: string | null;
        };
        /** @description The order that rules are to have. */
        OrderBody: {
            /** @description Each rule of the workspace once, the strongest first. */
            ids: string[];
        };
        /** @description One side of a run. */
        PayloadAnswer: {
            /** @description `{role, content, name?, tool_calls?, tool_call_id?, finish_reason?}`; content is text or a list of parts. */
            messages: unknown[];
            /** @description What is not a message. */
            rest?: unknown;
        };
        /** @description Bytes of the filter text or the statement. */
        Position: {
            end: number;
            start: number;
        };
        /** @description At most 120 characters of plain text. */
        Preview: {
            input?: string | null;
            output?: string | null;
        };
        Previews: {
            /** @description By run id. Runs that do not exist are left out. */
            previews: {
                [key: string]: components["schemas"]["Preview"];
            };
        };
        /** @description The rows whose previews are wanted. */
        PreviewsBody: {
            /** @description At most 200. */
            run_ids: string[];
        };
        ProjectList: {
            /** @description The project that was written to last comes first. */
            projects: components["schemas"]["ProjectRow"][];
        };
        /** @description A project by its two names. */
        ProjectRef: {
            id: string;
            name: string;
        };
        /** @description A named container of traces. */
        ProjectRow: {
            /** Format: int64 */
            created_at: number;
            id: string;
            /** Format: int64 */
            last_run_at?: number | null;
            name: string;
            /**
             * Format: int64
             * @description Traces that began in the last seven days.
             */
            trace_count: number;
        };
        /** @description How removing from the disk stands. */
        PurgeAnswer: {
            /**
             * Format: int64
             * @description Runs, log records and points that arrived for something deleted and were dropped, since the start.
             */
            dropped: number;
            last?: components["schemas"]["PurgeRow"] | null;
            running: boolean;
            /**
             * Format: int64
             * @description When the purge that runs began.
             */
            running_since?: number | null;
            /**
             * Format: int64
             * @description Traces and projects that are remembered as deleted.
             */
            tombstones: number;
            /**
             * Format: int64
             * @description When the oldest deletion was asked for whose bytes may still be on the disk.
             */
            unpurged_since?: number | null;
        };
        /** @description What a purge removed, and from where. */
        PurgeRemoved: {
            /** Format: int64 */
            bytes_removed: number;
            /** Format: int64 */
            bytes_written: number;
            /**
             * Format: int64
             * @description Files of runs, log records and metric points that were removed or written anew, with their search index.
             */
            files_removed: number;
            /**
             * Format: int64
             * @description Those that took their place.
             */
            files_written: number;
            /** Format: int64 */
            log_bytes_removed: number;
            /**
             * Format: int64
             * @description Files of the write-ahead log.
             */
            log_files_removed: number;
            /**
             * Format: int64
             * @description Of these, the deleted ones: runs, log records and metric points.
             */
            rows_deleted: number;
            /**
             * Format: int64
             * @description Deleted ones that were gone already: merges of files had left them out since the last purge, or since the start.
             */
            rows_deleted_before: number;
            /**
             * Format: int64
             * @description Deleted, replaced or repeated rows.
             */
            rows_removed: number;
            /**
             * Format: int64
             * @description Runs that lost their payload because of the retention.
             */
            rows_stripped: number;
        };
        /** @description A purge that has ended. */
        PurgeRow: {
            /** Format: int64 */
            ended_at: number;
            /** @description Why it failed. */
            error?: string | null;
            removed?: components["schemas"]["PurgeRemoved"] | null;
            /** Format: int64 */
            started_at: number;
        };
        RemapAnswer: {
            job: components["schemas"]["RemapRow"];
        };
        /** @description Which runs are to be mapped again. */
        RemapBody: {
            /** @description Id or name. */
            project: string;
            /** @description Only traces that began since: microseconds, RFC 3339, or how long ago (`7d`, `24h`, `15m`). */
            since?: unknown;
            /** @description Only traces that began before, likewise. */
            until?: unknown;
        };
        RemapList: {
            /** @description The latest first, 20 at most. The list is empty after a restart. */
            jobs: components["schemas"]["RemapRow"][];
        };
        /** @description A job that maps stored runs again. */
        RemapRow: {
            /** Format: int64 */
            ended_at?: number | null;
            error?: string | null;
            id: string;
            /** @description The project's name. */
            project: string;
            /** Format: int64 */
            runs_changed: number;
            /** Format: int64 */
            runs_seen: number;
            /**
             * Format: int64
             * @description Runs that changed each time they were looked at, and were left alone.
             */
            runs_skipped: number;
            /** Format: int64 */
            since?: number | null;
            /** Format: int64 */
            started_at: number;
            /** @description `running`, `done` or `failed`. */
            state: string;
            /** Format: int64 */
            traces_done: number;
            /**
             * Format: int64
             * @description Null until they are counted.
             */
            traces_total?: number | null;
            /** Format: int64 */
            until?: number | null;
        };
        RemovedCounts: {
            /** Format: int64 */
            log_records: number;
            /** Format: int64 */
            metric_points: number;
            /** Format: int64 */
            runs: number;
            /** Format: int64 */
            traces: number;
        };
        /** @description How long a project is kept, and what it takes. */
        RetentionAnswer: {
            /**
             * Format: int64
             * @description What the runs of the project take on the disk, about. What is in memory only is not counted.
             */
            disk_bytes: number;
            /**
             * Format: int64
             * @description How many runs these are.
             */
            disk_runs: number;
            /**
             * Format: int64
             * @description Null is no limit.
             */
            max_bytes?: number | null;
            /**
             * Format: int32
             * @description Null is no limit.
             */
            payload_days?: number | null;
            removed?: components["schemas"]["RetentionRemoved"] | null;
            /**
             * Format: int32
             * @description Null is no limit.
             */
            run_days?: number | null;
        };
        /** @description How long a project is to be kept. What is null or left out has no limit. */
        RetentionBody: {
            /**
             * Format: int64
             * @description The oldest traces go when the runs of the project take more bytes on the disk.
             */
            max_bytes?: number | null;
            /**
             * Format: int32
             * @description Inputs, outputs, attributes and events of runs go after so many days.
             */
            payload_days?: number | null;
            /**
             * Format: int32
             * @description Whole traces go so many days after the server last heard of them; log records and metric points, too.
             */
            run_days?: number | null;
        };
        RetentionRemoved: {
            /** Format: int64 */
            at: number;
            /** @description For the room that the project may take. */
            displaced: components["schemas"]["RemovedCounts"];
            /** @description For their age. */
            expired: components["schemas"]["RemovedCounts"];
        };
        /** @enum {string} */
        Rule: "where_it_broke" | "slow_recovery" | "why_it_cost" | "context_growth" | "loop" | "cache_miss" | "slow_first_token" | "missing_spans";
        /** @description What a rule is to say. */
        RuleBody: {
            attribute: string;
            /** @description A rule is switched on unless told otherwise. */
            enabled?: boolean;
            field: string;
            name: string;
        };
        RuleField: {
            description: string;
            field: string;
        };
        /** @description All rules of the workspace. */
        RuleList: {
            /** @description The fields that a rule can fill. */
            fields: components["schemas"]["RuleField"][];
            /** @description The strongest first. */
            rules: components["schemas"]["RuleRow"][];
        };
        /** @description A rule: an attribute, and the field of a run that it fills. It is stronger than every built-in rule. */
        RuleRow: {
            /** @description The key of an attribute, or a pattern with one `*`, for example `acme.llm.*.tokens`. */
            attribute: string;
            /** Format: int64 */
            created_at: number;
            enabled: boolean;
            /** @description One of the `fields`. In `metadata.<key>` and `invocation_params.<key>`, `{*}` is what the star matched. */
            field: string;
            id: string;
            /** @description Unique in the workspace. */
            name: string;
            /**
             * Format: int64
             * @description A smaller one is stronger.
             */
            position: number;
            /** Format: int64 */
            updated_at: number;
        };
        /** @description A whole run. Values that were JSON come back as the same JSON. */
        RunAnswer: {
            /** @description What arrived and is shown nowhere else. */
            attributes: {
                [key: string]: unknown;
            };
            cost?: components["schemas"]["CostAnswer"] | null;
            /** @description The dialect of instrumentation that decided the mapping. */
            dialect?: string | null;
            dotted_order?: string | null;
            /** @description The run that tells of the same model call and counts instead of this one. */
            double_of?: string | null;
            /** @description Runs that tell of the same model call as this one, and are not counted. */
            doubles: string[];
            /** Format: int64 */
            end_time?: number | null;
            environment?: string | null;
            error?: string | null;
            error_type?: string | null;
            events: components["schemas"]["EventAnswer"][];
            /** @description What was said of it, the newest first; at most 1000. */
            feedback: components["schemas"]["FeedbackAnswer"][];
            /** Format: int64 */
            first_token_time?: number | null;
            inputs: components["schemas"]["PayloadAnswer"];
            invocation_params?: unknown;
            /** @description The HTTP or gRPC request that a client library made. */
            is_transport: boolean;
            /** @description What the mapping had to repair. */
            issues: components["schemas"]["IssueAnswer"][];
            /** Format: int64 */
            latency_us?: number | null;
            links: components["schemas"]["LinkAnswer"][];
            metadata: {
                [key: string]: unknown;
            };
            model?: string | null;
            name: string;
            outputs: components["schemas"]["PayloadAnswer"];
            parent_run_id?: string | null;
            project: components["schemas"]["ProjectRef"];
            provider?: string | null;
            /** Format: int64 */
            received_at: number;
            release?: string | null;
            /** @description Attributes of the process that sent it. */
            resource: {
                [key: string]: unknown;
            };
            run_id: string;
            run_type: string;
            scope?: components["schemas"]["ScopeAnswer"] | null;
            service?: string | null;
            /** @description How many leading input messages the model call before it under the same parent had read as well. */
            shared_prefix: number;
            /**
             * @description Where the value of each field came from: `{"model": "gen_ai.request.model", …}`. A source is the key of an attribute, a
             *     family of keys (`gen_ai.prompt.*`), or has a word and a colon in front (`span:name`, `rule:<name>:<attribute>`).
             */
            sources: {
                [key: string]: string;
            };
            /** @description The OTLP span id, when it came as a span. */
            span_id?: string | null;
            /** Format: int64 */
            start_time: number;
            status: string;
            tags: string[];
            thread_id?: string | null;
            trace_id: string;
            usage?: components["schemas"]["UsageAnswer"] | null;
            user_id?: string | null;
        };
        RunList: {
            /** @description Pass it as `cursor` to go on; null at the end. */
            next_cursor?: string | null;
            runs: components["schemas"]["RunRow"][];
        };
        /** @description A run as lists show it. */
        RunRow: {
            /** @description The run's own cost, without its children. */
            cost?: string | null;
            cost_source: components["schemas"]["CostOrigin"];
            environment?: string | null;
            error?: string | null;
            /** @description What was said of it, summed up by key. */
            feedback: components["schemas"]["FeedbackFigures"][];
            /** Format: int64 */
            first_token_us?: number | null;
            /** @description Of its own cost, what the input took; null where only the whole is known. */
            input_cost?: string | null;
            input_preview?: string | null;
            /** Format: int64 */
            input_tokens?: number | null;
            is_root: boolean;
            /** Format: int64 */
            latency_us?: number | null;
            model?: string | null;
            name: string;
            /** @description Of its own cost, what the output took; null where only the whole is known. */
            output_cost?: string | null;
            output_preview?: string | null;
            /** Format: int64 */
            output_tokens?: number | null;
            parent_run_id?: string | null;
            provider?: string | null;
            run_id: string;
            run_type: string;
            service?: string | null;
            /** Format: int64 */
            start_time: number;
            status: string;
            tags: string[];
            thread_id?: string | null;
            /** Format: int64 */
            total_tokens?: number | null;
            trace_id: string;
            user_id?: string | null;
        };
        ScopeAnswer: {
            name: string;
            version?: string | null;
        };
        /** @description A judgement as a number, or as good or bad. */
        ScoreAnswer: boolean | number;
        /** @description How comparing stored data with its checksums stands. */
        ScrubAnswer: {
            last?: components["schemas"]["ScrubRow"] | null;
            running: boolean;
            /**
             * Format: int64
             * @description When the one that runs began.
             */
            running_since?: number | null;
        };
        /** @description What was found. */
        ScrubFound: {
            /** @description Attachments of runs and examples. */
            attachments: number;
            /**
             * Format: int64
             * @description Bytes of files and attachments that were compared.
             */
            bytes: number;
            /** @description Files of runs, log records and metric points. */
            files: number;
            /** @description Search indexes. One that is damaged is built again, which is no more than a note. */
            indexes: number;
            /** @description Files of the write-ahead log. */
            log_files: number;
            /** @description What somebody should know and need not act on. */
            notes: string[];
            /** @description What is not sound. */
            problems: components["schemas"]["ScrubProblem"][];
            /** @description Files that an older version wrote without checksums. */
            without_checksums: number;
        };
        /** @description Something that is not sound. */
        ScrubProblem: {
            /** @description What to do about it. */
            advice: string;
            /** @description Which data cannot be read because of it. */
            affected: string;
            /** @description The file, within the data folder. */
            file: string;
            /**
             * Format: int64
             * @description When the first of the runs or records began that are affected.
             */
            from?: number | null;
            /**
             * Format: int64
             * @description When the last did.
             */
            to?: number | null;
            what: string;
        };
        /** @description One that has ended. */
        ScrubRow: {
            /** Format: int64 */
            ended_at: number;
            /** @description Why it failed. */
            error?: string | null;
            found?: components["schemas"]["ScrubFound"] | null;
            /** Format: int64 */
            started_at: number;
        };
        SearchAnswer: {
            /** @description In order of start time. */
            run_ids: string[];
        };
        /** @description A metric over time. */
        SeriesAnswer: {
            agg: string;
            /** @description Those that fit the metric, the default first. */
            aggregations: string[];
            /** Format: int64 */
            bucket_us: number;
            /** Format: int64 */
            from: number;
            /** @description There are more points than were read; the latest are missing. */
            is_cut: boolean;
            kind: string;
            name: string;
            /** @description At most 50, the largest first. What is beyond is added up in the last one, `(others)`. */
            series: components["schemas"]["SeriesLine"][];
            unit?: string | null;
        };
        SeriesLine: {
            /** @description Null for points without the attribute, and where nothing is grouped. */
            group?: string | null;
            /** @description One a bucket; null where there is nothing. */
            values: (number | null)[];
        };
        /** @description All runs of a trace as columns, parents before their children, siblings by start time. */
        Skeleton: {
            /** @description Texts that rows refer to by position. */
            dict: string[];
            /** Format: int64 */
            duration_us: number;
            environment?: string | null;
            /** @description What was said of runs, by row and key. Only runs that have feedback are here. */
            feedback: components["schemas"]["FeedbackMark"][];
            name: string;
            project: components["schemas"]["ProjectRef"];
            /** @description Whether some run has not ended. */
            running: boolean;
            runs: components["schemas"]["Columns"];
            /**
             * Format: int64
             * @description Start of the earliest run, in microseconds since the epoch.
             */
            start_time: number;
            /** @description `pending`, `success` or `error`: that of the root. */
            status: string;
            tags: string[];
            thread_id?: string | null;
            totals: components["schemas"]["SkeletonTotals"];
            trace_id: string;
            user_id?: string | null;
            /** @description Changes with the content; also the ETag. */
            version: string;
        };
        /** @description Sums over the whole trace. Nothing counts twice. */
        SkeletonTotals: {
            /** Format: int64 */
            cached_tokens?: number | null;
            /** @description Dollars; null while nothing has a cost. */
            cost?: string | null;
            /** @description Runs that failed. A failed call counts once, however many instrumentations tell of it. */
            error_count: number;
            /** @description Of `cost`, what the input took, as far as it is known by side. */
            input_cost?: string | null;
            /** Format: int64 */
            input_tokens?: number | null;
            /** @description Calls of language models. A call counts once, however many instrumentations tell of it. */
            llm_count: number;
            /** @description Of `cost`, what the output took, as far as it is known by side. */
            output_cost?: string | null;
            /** Format: int64 */
            output_tokens?: number | null;
            /** Format: int64 */
            reasoning_tokens?: number | null;
            /** @description Runs that are stored, those too that tell of a call that another run stands for (`double_of`). */
            run_count: number;
            /** Format: int64 */
            total_tokens?: number | null;
            /**
             * Format: int64
             * @description Runs that should have a cost and have none: while it is not 0, the cost is a lower bound.
             */
            unpriced_count: number;
        };
        /** @description What a statement answered. */
        SqlAnswer: {
            columns: components["schemas"]["SqlColumn"][];
            /** @description Whether there are more rows than were asked for. */
            is_cut: boolean;
            row_count: number;
            /** @description Each with one value for each column: decimals as text, times in RFC 3339. */
            rows: unknown[][];
        };
        /** @description A statement, and how its answer is wanted. */
        SqlBody: {
            /**
             * @description `json` (the default), `jsonl`, `csv`, `csv-raw`, `parquet` or `arrow`. Without it the header `accept` decides. In `csv`
             *     cells that a spreadsheet would take for formulas begin with `'`; in `csv-raw` they do not.
             */
            format?: string | null;
            /** @description Rows at most. For JSON the default is 10000; the other formats give all. */
            limit?: number | null;
            /** @description One SELECT, WITH, EXPLAIN, DESCRIBE, SHOW TABLES or SHOW COLUMNS. */
            query: string;
            /**
             * Format: double
             * @description Seconds that it may take, at most 300. The default is 30.
             */
            timeout?: number | null;
        };
        SqlColumn: {
            name: string;
            /** @description As `DESCRIBE` says it: `text`, `bigint`, `decimal(38, 12)`, `timestamp`, … */
            type: string;
        };
        SqlSchema: {
            tables: components["schemas"]["TableSchema"][];
        };
        /** @description Figures over everything that a filter selects. */
        StatsAnswer: {
            cost: string;
            /**
             * Format: int64
             * @description Runs that are stored, or traces.
             */
            count: number;
            /**
             * Format: int64
             * @description How many of the runs tell of a call that another run stands for; 0 for traces. Those are in `count` and in no
             *     other figure but the latencies.
             */
            double_count: number;
            /**
             * Format: int64
             * @description Runs that failed, or traces whose root failed.
             */
            error_count: number;
            /** Format: int64 */
            first_run_at?: number | null;
            /** @description Of `cost`, what inputs took, as far as it is known by side. */
            input_cost: string;
            /** Format: int64 */
            input_tokens: number;
            /** Format: int64 */
            last_run_at?: number | null;
            /** @description Of `cost`, what outputs took, as far as it is known by side. */
            output_cost: string;
            /** Format: int64 */
            output_tokens: number;
            /** Format: int64 */
            p50_us?: number | null;
            /** Format: int64 */
            p95_us?: number | null;
            /** Format: int64 */
            p99_us?: number | null;
            /** Format: int64 */
            total_tokens: number;
            /**
             * Format: int64
             * @description Runs that should have a cost and have none; of traces, those of all of them.
             */
            unpriced_count: number;
        };
        TableColumn: {
            description: string;
            name: string;
            type: string;
        };
        TableSchema: {
            columns: components["schemas"]["TableColumn"][];
            description: string;
            name: string;
        };
        ThreadList: {
            /** @description Pass it as `cursor` to go on; null at the end. */
            next_cursor?: string | null;
            /** @description That with the newest turn of those that are asked for comes first. */
            threads: components["schemas"]["ThreadRow"][];
        };
        /** @description A conversation, summed up from all its turns. */
        ThreadRow: {
            cost?: string | null;
            /** @description Of the last turn. */
            environment?: string | null;
            /**
             * Format: int64
             * @description Turns whose root failed.
             */
            error_count: number;
            /** @description What the first turn began with. */
            first_input_preview?: string | null;
            first_trace_id: string;
            /** @description Of `cost`, what inputs took, as far as it is known by side. */
            input_cost?: string | null;
            /** Format: int64 */
            input_tokens?: number | null;
            /** @description Of the last turn that failed, first line. */
            last_error?: string | null;
            last_input_preview?: string | null;
            last_output_preview?: string | null;
            /**
             * Format: int64
             * @description When the last turn began.
             */
            last_time: number;
            last_trace_id: string;
            /** @description Of `cost`, what outputs took, as far as it is known by side. */
            output_cost?: string | null;
            /** Format: int64 */
            output_tokens?: number | null;
            /**
             * Format: int64
             * @description When the first turn began.
             */
            start_time: number;
            /** @description `pending`, `success` or `error`: that of the last turn. */
            status: string;
            thread_id: string;
            /** Format: int64 */
            total_tokens?: number | null;
            /** Format: int64 */
            turn_count: number;
            /**
             * Format: int64
             * @description Runs that should have a cost and have none: while it is not 0, the cost is a lower bound.
             */
            unpriced_count: number;
            /** @description Of the last turn. */
            user_id?: string | null;
        };
        TraceEvent: {
            attributes: {
                [key: string]: unknown;
            };
            name: string;
            run_id: string;
            /** Format: int64 */
            time: number;
        };
        /** @description What happened inside of the runs of a trace. */
        TraceEvents: {
            /** @description The oldest first. */
            events: components["schemas"]["TraceEvent"][];
            /** @description How many there are, with those that are left out. */
            total: number;
        };
        TraceList: {
            /** @description Pass it as `cursor` to go on; null at the end. */
            next_cursor?: string | null;
            traces: components["schemas"]["TraceRow"][];
        };
        /** @description A trace summed up from all its runs. */
        TraceRow: {
            /** Format: int64 */
            cached_tokens?: number | null;
            cost?: string | null;
            environment?: string | null;
            /** @description First line of the root's error, else of the run that broke first. */
            error?: string | null;
            /**
             * Format: int64
             * @description Runs that failed. A failed call counts once, however many instrumentations tell of it.
             */
            error_count: number;
            /** @description What was said of its runs, summed up by key. */
            feedback: components["schemas"]["FeedbackFigures"][];
            /** Format: int64 */
            first_token_us?: number | null;
            /** @description Of `cost`, what the input took, as far as it is known by side. */
            input_cost?: string | null;
            input_preview?: string | null;
            /** Format: int64 */
            input_tokens?: number | null;
            /**
             * Format: int64
             * @description Null while pending.
             */
            latency_us?: number | null;
            /**
             * Format: int64
             * @description Calls of language models. A call counts once, however many instrumentations tell of it.
             */
            llm_count: number;
            /** @description The root's metadata. */
            metadata: {
                [key: string]: unknown;
            };
            models: string[];
            name: string;
            /** @description The root names a parent that never came. */
            orphan: boolean;
            /** @description Of `cost`, what the output took, as far as it is known by side. */
            output_cost?: string | null;
            output_preview?: string | null;
            /** Format: int64 */
            output_tokens?: number | null;
            providers: string[];
            root_run_id: string;
            /**
             * Format: int64
             * @description Runs that are stored, those too that tell of a call that another run stands for.
             */
            run_count: number;
            run_type: string;
            service?: string | null;
            /** Format: int64 */
            start_time: number;
            /** @description `pending`, `success` or `error`: that of the root. */
            status: string;
            tags: string[];
            thread_id?: string | null;
            /** Format: int64 */
            total_tokens?: number | null;
            trace_id: string;
            /** Format: int64 */
            unpriced_count: number;
            user_id?: string | null;
        };
        /** @description What the rule would do to the run. */
        Trial: {
            /** @description What would differ with all saved rules that are switched on and this one. */
            changes: components["schemas"]["FieldChange"][];
            /** @description What the mapping would have to repair, conflicts among it. */
            issues: components["schemas"]["IssueAnswer"][];
            /** @description The run's attributes that the rule is about, also where a stronger rule takes them. */
            matched: components["schemas"]["MatchedAttribute"][];
        };
        /** @description A rule, and the run to try it on. */
        TrialBody: {
            /** @description Id or name of the project; without it the whole workspace is searched. */
            project?: string | null;
            /** @description The saved rule that it would replace. */
            replaces?: string | null;
            rule: components["schemas"]["TriedRule"];
            run_id: string;
            trace_id: string;
        };
        TriedRule: {
            attribute: string;
            field: string;
            name?: string | null;
        };
        /** @description Tokens; null is unknown. */
        UsageAnswer: {
            /** @description `cache_read`, `cache_write`, `audio`, … */
            input_details: {
                [key: string]: number;
            };
            /** Format: int64 */
            input_tokens?: number | null;
            /** @description `reasoning`, `audio`, … */
            output_details: {
                [key: string]: number;
            };
            /** Format: int64 */
            output_tokens?: number | null;
            /** Format: int64 */
            total_tokens?: number | null;
        };
        /** @description The answer to both questions. */
        Verdict: {
            baseline?: components["schemas"]["Baseline"] | null;
            /** @description The most important first. */
            findings: components["schemas"]["Finding"][];
        };
        WorkspaceRef: {
            id: string;
            name: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
