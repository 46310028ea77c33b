using DistNet.Coordinator.Plane;
using DistNet.Kernels;
using DistNet.Protocol.SharedMemory;
using DistNet.Runs;
using DistNet.Worker.Plane;
using Xunit;

namespace DistNet.Plane.Tests.SharedMemory;

public sealed class SharedParametersTests
{
    /// <summary>Gives up at once what is not there.</summary>
    private static readonly CancellationToken Now = new(canceled: true);

    [Fact]
    public void A_worker_reads_each_version_where_the_update_writes_it()
    {
        using SharedMemoryFixture memory = new();
        (SharedSession coordinator, SharedWorkerPlane worker) = memory.Open();
        using (worker)
        {
            VersionedParameters versions = new(memory.Host.Parameters.Values, term: 7, memory.Host.Parameters.Version);
            for (int update = 1; update <= 3; update++)
            {
                ParameterHandle before = worker.Fetch(versions.Handle.Version, Now);
                Assert.True(before.IsCurrent);
                versions.BeginOverwrite();
                Assert.False(before.IsCurrent);
                Assert.False(worker.Fetch(versions.Handle.Version, Now).IsCurrent);
                memory.Host.Parameters.Values.Span.Fill(update);
                versions.EndOverwrite();

                ParameterHandle now = worker.Fetch(versions.Handle.Version, Now);
                Assert.Equal((versions.Handle.Version, true), (now.Version, now.IsCurrent));
                Assert.Equal(SharedMemoryFixture.Floats, now.Values.Length);
                Assert.All(now.Values.ToArray(), value => Assert.Equal(update, value));
                Assert.False(before.IsCurrent);
            }
        }
    }

    [Fact]
    public void Parameters_that_a_run_keeps_elsewhere_are_copied()
    {
        using SharedMemoryFixture memory = new();
        (_, SharedWorkerPlane worker) = memory.Open();
        using (worker)
        {
            float[] elsewhere = [.. Enumerable.Range(0, SharedMemoryFixture.Floats).Select(i => i * 0.5f)];
            VersionedParameters versions = new(elsewhere, term: 7);
            memory.Host.Publish(versions.Handle);
            ParameterHandle read = worker.Fetch(versions.Handle.Version, Now);
            Assert.Equal(elsewhere, read.Values.ToArray());
            versions.BeginOverwrite();
            versions.EndOverwrite();
            memory.Host.Publish(versions.Handle);
            Assert.False(read.IsCurrent);
            Assert.True(worker.Fetch(versions.Handle.Version, Now).IsCurrent);
        }
    }

    [Fact]
    public void A_version_that_is_gone_or_never_was_gives_a_handle_that_is_never_current()
    {
        using SharedMemoryFixture memory = new();
        (SharedSession coordinator, SharedWorkerPlane worker) = memory.Open();
        using (worker)
        {
            Assert.False(worker.Fetch(0, default).IsCurrent);
            VersionedParameters versions = new(memory.Host.Parameters.Values, term: 7, memory.Host.Parameters.Version);
            Assert.False(worker.Fetch(versions.Handle.Version + 1, Now).IsCurrent);
            Assert.False(worker.Fetch(versions.Handle.Version - 1, default).IsCurrent);
            Assert.True(worker.Fetch(versions.Handle.Version, Now).IsCurrent);
            Assert.False(worker.Fetch(-1, default).IsCurrent);
        }
    }

    [Fact]
    public void A_reader_that_is_late_sees_that_its_version_is_gone_though_its_coordinator_is_too()
    {
        using SharedMemoryFixture memory = new();
        (SharedSession coordinator, SharedWorkerPlane worker) = memory.Open();
        VersionedParameters versions = new(memory.Host.Parameters.Values, term: 7, memory.Host.Parameters.Version);
        ParameterHandle handle = worker.Fetch(versions.Handle.Version, Now);
        versions.BeginOverwrite();
        coordinator.End();
        memory.Host.Dispose();
        Assert.Equal(SharedMemoryFixture.Floats, handle.Values.ToArray().Length);
        Assert.False(handle.IsCurrent);

        worker.Dispose();
        Assert.False(handle.IsCurrent);
        Assert.Throws<ObjectDisposedException>(() => handle.Values.Span.Length);
    }

    [Fact]
    public void A_worker_cannot_write_the_parameters()
    {
        using SharedMemoryFixture memory = new();
        string maps = File.Exists("/proc/self/maps") ? "/proc/self/maps" : "";
        (SharedSession coordinator, SharedWorkerPlane worker) = memory.Open();
        using (worker)
        {
            if (maps.Length > 0)
            {
                // The coordinator's is all; of the worker's what may be written is the bell's page, behind the parameters.
                string[][] mapped = [.. File.ReadLines(maps).Where(line => line.EndsWith(coordinator.Paths.ParametersFile, StringComparison.Ordinal)).Select(line => line.Split(' '))];
                long bell = coordinator.Paths.ParametersBytes - 4096;
                Assert.Equal([("r--s", 0), ("rw-s", 0), ("rw-s", bell)], mapped.Select(line => (line[1], Convert.ToInt64(line[2], 16))).Order());
                Assert.Contains(mapped, line => line[1] == "rw-s" && line[0].Split('-').Select(end => Convert.ToInt64(end, 16)).Aggregate((from, to) => to - from) == 4096);
                Assert.True(bell >= 4096 + (SharedMemoryFixture.Floats * sizeof(float)));
            }
        }
    }
}
