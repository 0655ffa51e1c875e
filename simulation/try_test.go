package simulation

import ("testing";"time";"github.com/dynsvc/dynsvc/scheduler")

func TestTry(t *testing.T) {
	tr,err:=Azure("/work/shared/data/traces/azure-2019-200")
	if err!=nil {t.Fatal(err)}
	rules:=scheduler.DefaultRules(); rules.UsualMemory=0
	for _,n:=range []string{"fixed:10m","knative","hybrid","hybrid:1h","hybrid:30m","hybrid:20m","hybrid:10m"} {
		p,err:=Against(n,Alone(),rules); if err!=nil {t.Fatal(err)}
		b:=time.Now()
		r,err:=Replay(tr,p,Options{Start:time.Second}); if err!=nil {t.Fatal(err)}
		t.Logf("%s %+v %+v %v",n,r.Usage,r.Wait,time.Since(b))
	}
	for _,br:=range []time.Duration{0,time.Minute,2*time.Minute,3*time.Minute,4*time.Minute} {
	rules.Bridge=br
	b:=time.Now()
	r,err:=Within(tr,Dynsvc(Alone(),rules),Options{Start:time.Second},98208); if err!=nil {t.Fatal(err)}
	t.Logf("bridge %v price %.4f ratio %.3f %+v %+v %v",br,r.Price,float64(r.ColdStarts)/1998,r.Usage,r.Wait,time.Since(b))
	}
	rules.Bridge=2*time.Minute
	for _,after:=range []time.Duration{10*time.Minute,20*time.Minute,30*time.Minute,time.Hour} {
	sc:=Alone(); sc.IdleAfter.Duration=after
	r,err:=Within(tr,Dynsvc(sc,rules),Options{Start:time.Second},98208); if err!=nil {t.Fatal(err)}
	t.Logf("idle_after %v price %.4f ratio %.3f %+v",after,r.Price,float64(r.ColdStarts)/1998,r.Usage)
	}
}
