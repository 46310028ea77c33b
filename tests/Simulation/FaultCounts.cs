using System.Reflection;

namespace DistNet.Simulation.Tests;

/// <summary>How often each fault was injected, and each consequence outside of the machine seen.</summary>
internal sealed class FaultCounts
{
    public long Dropped, Duplicated, BeatsLost, Cuts, LostInCuts, HeldByCuts;
    public long Failed, Slowed, WorkersStopped, WorkersKilled, LiedLate, WrongFences, BrokenAnswers;
    public long CoordinatorsKilled, CoordinatorsStopped, KilledTogether, StopRequests;
    public long Rivals, LocksRefused, LocksFailed, TakenOver;
    public long DiskFull, WritesRefused, Torn, TornPassedOver, JournalsTorn, JournalsRecovered;
    public long SessionsGivenUp, LateCopies, GivenUp, Merged;
    public long SentAhead, AnsweredAhead, Stood, WentOn, Lapsed, Overruled;

    public static IEnumerable<FieldInfo> All => typeof(FaultCounts).GetFields(BindingFlags.Public | BindingFlags.Instance);

    public void Add(FaultCounts other)
    {
        foreach (FieldInfo field in All)
        {
            field.SetValue(this, (long)field.GetValue(this)! + (long)field.GetValue(other)!);
        }
    }
}
