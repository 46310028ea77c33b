using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace DistNet.Coordinator.Plane;

/// <summary>Who attends, by secret and by name, and how many of each address. Safe on any thread.</summary>
/// <param name="settings">The bounds.</param>
/// <param name="time">Measures the window of attempts.</param>
internal sealed class AttendanceTable(PlaneSettings settings, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly Dictionary<Guid, Attendance> byId = [];
    private readonly Dictionary<string, Attendance> byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> attempts = new(StringComparer.Ordinal);
    private long windowBegan;

    /// <summary>All who attend.</summary>
    public ImmutableArray<Attendance> All
    {
        get
        {
            lock (gate)
            {
                return [.. byId.Values];
            }
        }
    }

    /// <summary>Counts an attempt of an address.</summary>
    /// <returns>False when there were too many lately.</returns>
    public bool TryAttempt(string address)
    {
        lock (gate)
        {
            long now = time.GetTimestamp();
            if (windowBegan == 0 || time.GetElapsedTime(windowBegan, now) >= settings.AttemptWindow || attempts.Count >= settings.Connections)
            {
                windowBegan = now;
                attempts.Clear();
            }

            int count = attempts[address] = attempts.GetValueOrDefault(address) + 1;
            return count <= settings.AttemptsPerAddress;
        }
    }

    /// <summary>Adds an attendance.</summary>
    /// <param name="attendance">The new one.</param>
    /// <param name="replaced">An earlier one of the same process, to be ended by the caller.</param>
    /// <param name="holder">Another process that has the name, when that is why nothing was added.</param>
    /// <returns>False: the name is in use (see <paramref name="holder"/>), or there are too many.</returns>
    public bool TryAdd(Attendance attendance, out Attendance? replaced, out Attendance? holder)
    {
        holder = null;
        lock (gate)
        {
            if (byName.TryGetValue(attendance.Info.Worker, out replaced) && replaced.Info.ProcessNonce != attendance.Info.ProcessNonce)
            {
                (holder, replaced) = (replaced, null);
                return false;
            }

            int own = replaced is null ? 0 : 1;
            if (byId.Count - own >= settings.Attendances || byId.Values.Count(other => other.Info.Address == attendance.Info.Address) - own >= settings.AttendancesPerAddress)
            {
                replaced = null;
                return false;
            }

            if (replaced is not null)
            {
                byId.Remove(replaced.Info.Id);
            }

            byId.Add(attendance.Info.Id, attendance);
            byName[attendance.Info.Worker] = attendance;
            return true;
        }
    }

    /// <summary>Finds an attendance by its secret.</summary>
    public bool TryFind(Guid id, [NotNullWhen(true)] out Attendance? attendance)
    {
        lock (gate)
        {
            return byId.TryGetValue(id, out attendance);
        }
    }

    /// <summary>Removes an attendance, if it is still there.</summary>
    public void Remove(Attendance attendance)
    {
        lock (gate)
        {
            byId.Remove(attendance.Info.Id);
            if (byName.GetValueOrDefault(attendance.Info.Worker) == attendance)
            {
                byName.Remove(attendance.Info.Worker);
            }
        }
    }
}
