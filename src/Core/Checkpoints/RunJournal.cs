using System.Text.Json;
using System.Text.Json.Serialization;
using DistNet.Runs;

namespace DistNet.Checkpoints;

/// <summary>Which run a folder holds and which life of its coordinator leads it: <c>journal.json</c>.</summary>
/// <remarks>
/// <para>Each coordinator begins a new term, one higher than any before, and asks before each durable write whether the folder is still its own. A lock keeps two
/// coordinators apart as a rule; where a lock fails, as on some network file systems, the terms do: no two coordinators get one term, as a claim can be created
/// once, and of two that live the one whose term is not the journal's stops before it writes.</para>
/// <para>A term is never used twice, also where the journal is lost: messages and cached parameters of an earlier life carry it.</para>
/// </remarks>
public sealed class RunJournal
{
    /// <summary>How far a new term is above the highest known where the journal is lost: farther than any lives that nobody remembers.</summary>
    public const int LostTerms = 1000;

    /// <summary>The highest term: versions of parameters have 40 bits below the term.</summary>
    public const int MaximumTerm = (1 << 22) - 1;

    // Terms whose claims are kept, so that a coordinator that looked just before they were used cannot claim them again.
    private const int KeptClaims = 8;

    // Each attempt fails only where another coordinator began meanwhile.
    private const int Attempts = 100;

    private readonly IJournalFiles files;

    private RunJournal(IJournalFiles files, RunId run, int term)
    {
        this.files = files;
        Run = run;
        Term = term;
    }

    /// <summary>The run; kept over resumes.</summary>
    public RunId Run { get; }

    /// <summary>This life of the coordinator.</summary>
    public int Term { get; }

    /// <summary>Begins a new life of the coordinator; when it returns, its term is on disk.</summary>
    /// <param name="files">The journal's place.</param>
    /// <param name="resume">Whether the run goes on; otherwise a new one begins, whose terms go on counting all the same.</param>
    /// <param name="holdsCheckpoints">Whether checkpoints are there, so that a missing journal is lost rather than not yet made.</param>
    /// <param name="warn">Told where the journal is lost and what was done.</param>
    /// <param name="newRun">Makes a run's identity; null for a random one.</param>
    /// <exception cref="DistNetException">The journal cannot be read or written.</exception>
    public static RunJournal Begin(IJournalFiles files, bool resume, bool holdsCheckpoints, Action<string> warn, Func<RunId>? newRun = null)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(warn);
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            string? text = files.Read();
            JournalJson? read = Parse(text);
            IReadOnlyCollection<int> claims = files.Claims();
            bool lost = read is null && (text is not null || holdsCheckpoints);
            int known = Math.Max(read?.Term ?? 0, claims.DefaultIfEmpty(0).Max());
            int term = known + (lost ? LostTerms : 1);
            if (term > MaximumTerm)
            {
                throw DistNetException.Failed($"The journal '{files.Place}' has reached term {known}, the last is {MaximumTerm}; expected a run of fewer starts.");
            }

            if (!files.TryClaim(term))
            {
                continue;
            }

            // Another one may have begun since the look: then this term may be one that was used and whose claim was forgotten, or the journal is ahead of it.
            if (files.Claims().Any(other => other >= term + KeptClaims) || Parse(files.Read())?.Term > term)
            {
                continue;
            }

            RunId run = resume && read is not null ? new RunId(read.Run) : newRun?.Invoke() ?? RunId.Create();
            files.Write(Text(run, term));
            foreach (int old in claims.Where(claim => claim <= term - KeptClaims))
            {
                files.Forget(old);
            }

            if (lost)
            {
                string found = text is null ? "is missing" : "is damaged";
                warn($"The journal '{files.Place}' {found} though the folder holds a run; the run goes on under a new identity, from term {term}: no term that was ever used may be used again, and the highest known is {known}.");
            }

            return new RunJournal(files, run, term);
        }

        throw DistNetException.Failed($"No term could be claimed in '{files.Place}': {Attempts} times another coordinator began there at the same moment; expected one coordinator.");
    }

    /// <summary>Looks whether the folder is still this coordinator's. Called before each durable write.</summary>
    /// <exception cref="DistNetException">Another coordinator has taken it over: this one must stop without writing.</exception>
    public void Verify()
    {
        string? text = files.Read();
        JournalJson? read = Parse(text);
        if (read is null)
        {
            string found = text is null ? "is missing" : "is damaged";
            throw DistNetException.Failed(
                $"The journal '{files.Place}' {found}; expected term {Term} of this coordinator, which stops and writes nothing more, as the folder may be another's by now.");
        }

        if (read.Run != Run.Value || read.Term != Term)
        {
            throw DistNetException.Failed(
                $"Another coordinator has taken the run folder over: the journal '{files.Place}' names term {read.Term}, this coordinator has term {Term}; it stops and writes nothing more.");
        }
    }

    private static string Text(RunId run, int term) =>
        JsonSerializer.Serialize(new JournalJson(1, run.Value, term), JournalJsonContext.Default.JournalJson) + "\n";

    // Null for what is no whole journal.
    private static JournalJson? Parse(string? text)
    {
        try
        {
            // The last byte is the line's end: a text that was cut short, and happens to be a journal, is none.
            return text is not null && text.EndsWith('\n')
                && JsonSerializer.Deserialize(text, JournalJsonContext.Default.JournalJson) is { Format: 1, Term: >= 1 and <= MaximumTerm } journal ? journal : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary><c>journal.json</c>.</summary>
/// <param name="Format">The version of the format.</param>
/// <param name="Run">The run.</param>
/// <param name="Term">The life of the coordinator.</param>
internal sealed record JournalJson(int Format, Guid Run, int Term);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(JournalJson))]
internal sealed partial class JournalJsonContext : JsonSerializerContext;
