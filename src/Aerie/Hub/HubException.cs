// What can go wrong between us and a hub, by the classes that the hub's own Python client tells apart.
using System.Net;

namespace Aerie.Hub;

enum HubProblem
{
    /// <summary>Not an id, revision or file path that a hub could have (Python: HFValidationError, ValueError).</summary>
    BadName,
    /// <summary>No such repository, or a private one and no token for it (RepositoryNotFoundError).</summary>
    RepositoryNotFound,
    /// <summary>Its licence must be accepted first (GatedRepoError).</summary>
    Gated,
    /// <summary>The hub has closed the repository (DisabledRepoError).</summary>
    Disabled,
    /// <summary>No such branch, tag or commit (RevisionNotFoundError).</summary>
    RevisionNotFound,
    /// <summary>No such file in the commit (RemoteEntryNotFoundError).</summary>
    EntryNotFound,
    /// <summary>The hub cannot be asked and the cache does not have it (LocalEntryNotFoundError).</summary>
    NotCached,
    /// <summary>The same, where a part is in the cache (IncompleteSnapshotError).</summary>
    Incomplete,
    /// <summary>Any other answer that is not the thing asked for (HfHubHTTPError).</summary>
    Refused,
    /// <summary>A file of another length or content than the hub announced (OSError).</summary>
    Corrupt,
    /// <summary>The connection failed while a file was on its way (RemoteProtocolError, ConnectError, ReadTimeout).</summary>
    Unreachable,
}

/// <summary>An error of a hub, in a sentence and with what to do.</summary>
sealed class HubException(HubProblem problem, string what, string? hint = null, Exception? inner = null) : AerieException(what, hint, inner)
{
    public HubProblem Problem { get; } = problem;

    /// <summary>X-Repo-Commit of the answer, if it had one.</summary>
    public string? Commit { get; init; }
}

/// <summary>A failure that may be gone in a moment: no connection, a cut, 408, 429, 5xx.</summary>
sealed class TransientException(string what, HttpStatusCode? status = null, TimeSpan? wait = null, Exception? inner = null) : Exception(what, inner)
{
    public HttpStatusCode? Status { get; } = status;

    /// <summary>How long the hub wants us to wait.</summary>
    public TimeSpan? Wait { get; } = wait;
}
