using System.Collections.Immutable;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using CsCheck;
using DistNet.Coordinator.Plane;
using DistNet.Protocol;
using DistNet.Protocol.SharedMemory;
using DistNet.Runs;
using DistNet.Worker.Plane;
using Xunit;

namespace DistNet.Plane.Tests.SharedMemory;

public sealed class SharedGradientsTests
{
    private const int Floats = SharedMemoryFixture.Floats;

    [Fact]
    public void A_gradient_is_read_where_it_was_written()
    {
        using SharedMemoryFixture memory = new();
        (SharedSession coordinator, SharedWorkerPlane worker) = memory.Open();
        using (worker)
        {
            GradientLease first = SharedMemoryFixture.Lease(worker, 1.5f);
            GradientLease second = SharedMemoryFixture.Lease(worker, -2);
            Assert.Equal(Floats, first.Values.Length);

            ImmutableArray<AnsweredNode> nodes = worker.Deliver(default, SharedMemoryFixture.Result((new SumNode(1, 3), first), (new SumNode(0, 8), second), (new SumNode(0, 9), null)));

            Assert.Equal([1L, 2L, 0L], nodes.Select(node => node.Ticket));
            Assert.Equal([new SumNode(1, 3), new SumNode(0, 8), new SumNode(0, 9)], nodes.Select(node => node.Node));
            Assert.True(coordinator.TryTake(1, out GradientLease? taken));
            Assert.Equal(Floats, taken.Values.Length);
            Assert.All(taken.Values.ToArray(), value => Assert.Equal(1.5f, value));
            taken.Return();
        }
    }

    [Fact]
    public void The_memory_of_a_slot_begins_at_a_line_of_the_cache()
    {
        using SharedMemoryFixture memory = new();
        (SharedSession coordinator, SharedWorkerPlane worker) = memory.Open();
        using (worker)
        {
            for (int i = 0; i < 3; i++)
            {
                using System.Buffers.MemoryHandle pinned = worker.Lease().Values.Pin();
                unsafe
                {
                    Assert.Equal(0, (long)pinned.Pointer % 64);
                }
            }
        }
    }

    [Fact]
    public void A_ticket_is_taken_once_and_held_until_it_is_returned()
    {
        using SharedMemoryFixture memory = new();
        (SharedSession coordinator, SharedWorkerPlane worker) = memory.Open();
        using (worker)
        {
            long ticket = SharedMemoryFixture.Deliver(worker, 1);
            Assert.False(coordinator.TryTake(ticket + 1, out _));
            Assert.False(coordinator.TryTake(0, out _));
            Assert.False(coordinator.TryTake(-1, out _));
            Assert.True(coordinator.TryTake(ticket, out GradientLease? lease));
            Assert.False(coordinator.TryTake(ticket, out _));
            Assert.Equal([ticket], coordinator.Held);
            lease.Return();
            Assert.Empty(coordinator.Held);
            Assert.False(coordinator.TryTake(ticket, out _));
        }
    }

    [Fact]
    public void What_the_coordinator_holds_is_never_written_again_and_what_it_does_not_is_freed()
    {
        using SharedMemoryFixture memory = new(slots: 2);
        (SharedSession coordinator, SharedWorkerPlane worker) = memory.Open();
        using (worker)
        {
            long held = SharedMemoryFixture.Deliver(worker, 1);
            long lost = SharedMemoryFixture.Deliver(worker, 2);
            Assert.True(coordinator.TryTake(held, out GradientLease? lease));

            // Even with a list that forgets what is held.
            worker.ReleaseExcept([]);

            Assert.False(coordinator.TryTake(lost, out _));
            GradientLease next = SharedMemoryFixture.Lease(worker, 3);
            Assert.Throws<InvalidOperationException>(() => worker.Lease());
            Assert.All(lease.Values.ToArray(), value => Assert.Equal(1, value));
            lease.Return();
            worker.Lease().Return();
            next.Return();
        }
    }

    [Fact]
    public void A_delivered_gradient_that_is_told_to_be_held_stays()
    {
        using SharedMemoryFixture memory = new();
        (SharedSession coordinator, SharedWorkerPlane worker) = memory.Open();
        using (worker)
        {
            long kept = SharedMemoryFixture.Deliver(worker, 1);
            long freed = SharedMemoryFixture.Deliver(worker, 2);
            worker.ReleaseExcept([kept]);
            Assert.False(coordinator.TryTake(freed, out _));
            Assert.True(coordinator.TryTake(kept, out GradientLease? lease));
            lease.Return();
        }
    }

    [Fact]
    public void Slots_run_out_with_a_sentence_and_come_back()
    {
        using SharedMemoryFixture memory = new(slots: 3);
        (SharedSession coordinator, SharedWorkerPlane worker) = memory.Open();
        using (worker)
        {
            GradientLease[] leases = [worker.Lease(), worker.Lease(), worker.Lease()];
            Assert.Contains("3 slots", Assert.Throws<InvalidOperationException>(() => worker.Lease()).Message, StringComparison.Ordinal);
            leases[1].Return();
            worker.Lease().Return();
        }
    }

    [Fact]
    public void A_late_write_after_the_end_reaches_nobody_and_breaks_nothing()
    {
        using SharedMemoryFixture memory = new();
        (SharedSession coordinator, SharedWorkerPlane worker) = memory.Open();
        long ticket = SharedMemoryFixture.Deliver(worker, 1);
        GradientLease late = worker.Lease();
        Assert.True(coordinator.TryTake(ticket, out GradientLease? taken));

        coordinator.End();
        (SharedSession next, SharedWorkerPlane anew) = memory.Open();
        long other = SharedMemoryFixture.Deliver(anew, 5);
        late.Values.Span.Fill(9);

        Assert.All(taken.Values.ToArray(), value => Assert.Equal(1, value));
        Assert.Equal(2, worker.Deliver(default, SharedMemoryFixture.Result((new SumNode(0, 0), late)))[0].Ticket);
        Assert.False(coordinator.TryTake(2, out _));
        Assert.True(next.TryTake(other, out GradientLease? mine));
        Assert.All(mine.Values.ToArray(), value => Assert.Equal(5, value));
        taken.Return();
        worker.Dispose();
        mine.Return();
        next.End();
        anew.Dispose();
    }

    [Fact]
    public void A_lease_keeps_the_workers_mapping_until_it_is_returned()
    {
        using SharedMemoryFixture memory = new();
        (SharedSession coordinator, SharedWorkerPlane worker) = memory.Open();
        using (worker)
        {
            GradientLease late = worker.Lease();
            Memory<float> values = late.Values;
            worker.Dispose();
            values.Span.Fill(4);
            late.Return();
            Assert.Throws<ObjectDisposedException>(() => values.Span.Length);
        }
    }

    [Fact]
    public void Any_course_of_a_session_gives_each_gradient_once_and_whole()
    {
        // What the two ends do, in any order: 0 deliver, 1 take the oldest known ticket, 2 return the oldest lease, 3 take a ticket again, 4 release, 5 cancel.
        Gen.Int[0, 5].Array[1, 80].Sample(
            course =>
            {
                using SharedMemoryFixture memory = new(slots: 5);
                (SharedSession coordinator, SharedWorkerPlane worker) = memory.Open();
                Queue<long> sent = new();
                HashSet<long> seen = [];
                Queue<(long Ticket, GradientLease Lease)> held = new();
                foreach (int act in course)
                {
                    switch (act)
                    {
                        case 0 when held.Count + sent.Count < 5:
                            GradientLease lease = worker.Lease();
                            lease.Values.Span.Fill(sent.Count + 1);
                            long ticket = worker.Deliver(default, SharedMemoryFixture.Result((new SumNode(0, 0), lease)))[0].Ticket;
                            sent.Enqueue(ticket);
                            break;
                        case 1 when sent.TryDequeue(out long oldest):
                            Assert.True(coordinator.TryTake(oldest, out GradientLease? taken));
                            Assert.True(seen.Add(oldest));
                            taken.Values.Span.Fill(oldest);
                            held.Enqueue((oldest, taken));
                            break;
                        case 2 when held.TryDequeue(out (long Ticket, GradientLease Lease) first):
                            Assert.All(first.Lease.Values.ToArray(), value => Assert.Equal(first.Ticket, value));
                            first.Lease.Return();
                            break;
                        case 3:
                            Assert.All(seen, known => Assert.False(coordinator.TryTake(known, out _)));
                            break;
                        case 4:
                            worker.ReleaseExcept(coordinator.Held);
                            sent.Clear();
                            break;
                        case 5 when held.Count + sent.Count < 5:
                            worker.Lease().Return();
                            break;
                        default:
                            break;
                    }

                    Assert.Equal(held.Select(one => one.Ticket).Order(), coordinator.Held.Order());
                }

                coordinator.End();
                worker.Dispose();
            },
            iter: 100);
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(4, 7)]
    [InlineData(16, 23)]
    [InlineData(1 << 30, SharedGradients.MostSlots)]
    public void A_session_has_as_many_slots_as_a_step_can_need(int sliceCount, int slots) => Assert.Equal(slots, SharedGradients.SlotsFor(sliceCount));
}
