namespace DistNet.Checkpoints;

/// <summary>Where a run's journal is kept: a file and one claim for each term. The simulation keeps it on a disk of its own.</summary>
public interface IJournalFiles
{
    /// <summary>How sentences name the place.</summary>
    string Place { get; }

    /// <summary>The journal's text; null where there is none.</summary>
    string? Read();

    /// <summary>Replaces the journal's text, durably: whoever reads it, also after a crash, finds the old text or the new.</summary>
    /// <exception cref="DistNetException">It cannot be written.</exception>
    void Write(string text);

    /// <summary>Claims a term, durably. Of several that claim one term, also where no lock holds between them, one succeeds.</summary>
    /// <exception cref="DistNetException">It cannot be written.</exception>
    bool TryClaim(int term);

    /// <summary>The terms claimed and not yet forgotten, in any order.</summary>
    IReadOnlyCollection<int> Claims();

    /// <summary>Forgets a claim; a failure to do so harms nothing.</summary>
    void Forget(int term);
}
